#!/usr/bin/env node
// The committed snapshots, made from what forge left behind:
//   snapshots/storage.json   where each contract keeps what in storage, from out/
//   snapshots/gas.json       gas of single calls, from the tests in test/gas, which leave it in cache/gas
//
//   node snapshots.js --write   writes them
//   node snapshots.js --check   fails if they are not what forge left
'use strict';
const fs = require('fs');
const path = require('path');

const OUT = path.join(__dirname, 'out');
const GAS = path.join(__dirname, 'cache', 'gas');
const FOLDER = path.join(__dirname, 'snapshots');

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/// Names of the contracts, not the libraries and interfaces, that are compiled from files in src/.
function contracts() {
  const names = [];
  for (const folder of fs.readdirSync(OUT)) {
    if (!folder.endsWith('.sol')) continue;
    for (const file of fs.readdirSync(path.join(OUT, folder))) {
      const { ast, bytecode } = read(path.join(OUT, folder, file));
      const name = path.basename(file, '.json');
      if (!ast || !ast.absolutePath.startsWith('src/') || !fs.existsSync(path.join(__dirname, ast.absolutePath))) continue;
      const node = ast.nodes.find((node) => node.nodeType === 'ContractDefinition' && node.name === name);
      if (node && node.contractKind === 'contract' && !node.abstract && bytecode.object.length > 2) names.push([name, folder]);
    }
  }
  if (names.length === 0) throw new Error('out/ holds no contract: run forge build first');
  return names.sort();
}

/// Every variable as `slot.offset type`, and the members of every struct that is kept, without the compiler's numbering.
function layout([name, folder]) {
  const { storageLayout } = read(path.join(OUT, folder, `${name}.json`));
  if (!storageLayout) throw new Error(`out/ has no storage layout of ${name}: run forge build --force`);
  const { storage, types } = storageLayout;
  const place = (list) =>
    Object.fromEntries(list.map((v) => [v.label, `${v.slot}.${v.offset} ${types[v.type].label}`]));
  const structs = Object.values(types || {}).filter((type) => type.members);
  structs.sort((a, b) => (a.label < b.label ? -1 : 1));
  const kept = { variables: place(storage) };
  for (const type of structs) kept[type.label] = place(type.members);
  return [name, kept];
}

function gas() {
  const files = fs.existsSync(GAS) ? fs.readdirSync(GAS).sort() : [];
  if (files.length === 0) throw new Error('cache/gas is empty: run forge test first');
  return Object.fromEntries(
    files.map((file) => {
      const moves = Object.entries(read(path.join(GAS, file))).sort();
      return [path.basename(file, '.json'), Object.fromEntries(moves.map(([move, amount]) => [move, Number(amount)]))];
    }),
  );
}

/// Lines of `got` that differ from `expected`, as a person compares them.
function differences(expected, got) {
  const [a, b] = [expected.split('\n'), got.split('\n')];
  const only = (lines, others, sign) => lines.filter((line) => !others.includes(line)).map((line) => `${sign}${line}`);
  return [...only(a, b, '-'), ...only(b, a, '+')].join('\n');
}

function main(mode) {
  if (mode !== '--write' && mode !== '--check') throw new Error('usage: node snapshots.js --write | --check');
  fs.mkdirSync(FOLDER, { recursive: true });
  const stale = [];
  const fresh = { 'storage.json': Object.fromEntries(contracts().map(layout)), 'gas.json': gas() };
  for (const [name, content] of Object.entries(fresh)) {
    const file = path.join(FOLDER, name);
    const text = `${JSON.stringify(content, null, 1)}\n`;
    if (mode === '--write') fs.writeFileSync(file, text);
    else {
      const committed = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
      if (committed !== text) stale.push(`snapshots/${name}, committed (-) and now (+):\n${differences(committed, text)}`);
    }
  }
  if (stale.length > 0) throw new Error(`${stale.join('\n')}\nIf this is meant: cargo xtask contracts, and commit`);
}

try {
  main(process.argv[2]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
