#!/usr/bin/env node
// The committed artifacts, made from what `forge build` left in out/.
//   node artifacts.js --write   writes artifacts/*.json
//   node artifacts.js --check   fails if they are not what out/ says
// Those in artifacts/test are for tests in Rust, and those in artifacts/examples no part of the rollup.
// Of what stands in the L2's genesis, the code is there as bytes, too.
'use strict';
const fs = require('fs');
const path = require('path');

// Artifact: source file.
const CONTRACTS = {
  Bridge: 'Bridge.sol',
  ChunkStore: 'ChunkStore.sol',
  Deployment: 'Deployment.sol',
  Inbox: 'Inbox.sol',
  L2Withdrawals: 'L2Withdrawals.sol',
  Rollup: 'Rollup.sol',
  StepVerifier: 'StepVerifier.sol',
  'examples/L1Mailbox': 'Mailboxes.sol',
  'examples/L2Mailbox': 'Mailboxes.sol',
  'examples/MinimalNativeRollup': 'MinimalNativeRollup.sol',
  'test/ExecuteCaller': 'ExecuteCallers.sol',
  'test/ExecuteInConstructor': 'ExecuteCallers.sol',
  'test/StrictCaller': 'ExecuteCallers.sol',
  'test/TetherLike': 'Tokens.sol',
  'test/ToyVerifier': 'ToyVerifier.sol',
};

function artifact(name) {
  const file = path.join(__dirname, 'out', CONTRACTS[name], `${path.basename(name)}.json`);
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: run forge build first`);
  const { abi, bytecode, deployedBytecode } = JSON.parse(fs.readFileSync(file, 'utf8'));
  for (const code of [bytecode, deployedBytecode]) {
    if (Object.keys(code.linkReferences || {}).length > 0) throw new Error(`${name} has unlinked libraries`);
  }
  // The order in which the compiler lists them is not for us to rely on.
  const key = (item) => `${item.type} ${item.name || ''} ${JSON.stringify(item.inputs || [])}`;
  abi.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return `${JSON.stringify({ abi, bytecode: bytecode.object, deployedBytecode: deployedBytecode.object }, null, 1)}\n`;
}

// Code that stands in the L2's genesis, as it is: there it has no constructor.
const PREDEPLOYS = ['L2Withdrawals'];

function predeploy(name) {
  const { deployedBytecode } = JSON.parse(artifact(name));
  return Buffer.from(deployedBytecode.slice(2), 'hex');
}

function main(mode) {
  if (mode !== '--write' && mode !== '--check') throw new Error('usage: node artifacts.js --write | --check');
  const folder = path.join(__dirname, 'artifacts');
  for (const name of Object.keys(CONTRACTS)) fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  const stale = [];
  const files = [
    ...Object.keys(CONTRACTS).map((name) => [`${name}.json`, Buffer.from(artifact(name))]),
    ...PREDEPLOYS.map((name) => [`${name}.bin`, predeploy(name)]),
  ];
  for (const [name, fresh] of files) {
    const file = path.join(folder, name);
    if (mode === '--write') fs.writeFileSync(file, fresh);
    else if (!fs.existsSync(file) || !fs.readFileSync(file).equals(fresh)) stale.push(name);
  }
  if (stale.length > 0) {
    throw new Error(`stale artifacts: ${stale.join(', ')}. Run forge build, then node artifacts.js --write, in contracts/`);
  }
}

try {
  main(process.argv[2]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
