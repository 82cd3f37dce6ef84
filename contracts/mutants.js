#!/usr/bin/env node
// Breaks the contracts in one place at a time and sees whether a test notices.
//   node mutants.js FORGE SECONDS SKIP [FILE...]   leaves out the first SKIP; files of src/, by default those that hold the game
//
// Forge has no mutation testing, and slither-mutate builds everything twice for each mutant. This works on a copy, rebuilds one file
// (dynamic test linking), and takes mutants in a shuffled but fixed order, so that a short run is a fair sample. Survivors go to
// stdout; what became of each stands in mutants.md.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const COPY = path.join(__dirname, '..', 'target', 'mutants', `contracts-${process.pid}`);
const FILES = ['Rollup.sol', 'rollup/Claims.sol', 'rollup/Bonds.sol', 'rollup/Bills.sol', 'rollup/Dissection.sol', 'rollup/Proofs.sol', 'libraries/Segments.sol'];
// Whose tests are asked about a mutant: those of the first folder first, those of the others only if it survives them. The games
// of the invariants are slow and seldom needed.
const FOLDERS = [
  [/^(Rollup|rollup\/.*)\.sol$/, 'rollup', 'libraries,money,attacks'],
  [/^Inbox\.sol$/, 'inbox', 'bridge,attacks,money'],
  [/^(Bridge|l2\/.*)\.sol$/, 'bridge', 'libraries'],
  [/^ChunkStore\.sol$/, 'staging', 'attacks'],
  [/^Deployment\.sol$/, 'deployment'],
  [/^StepVerifier\.sol$/, 'verifier', 'libraries,attacks'],
  [/^examples\//, 'examples', 'libraries'],
  [/^libraries\/(Tape|Execute|WholeBlob|BaseFee)\.sol$/, 'verifier', 'libraries,attacks'],
  [/^libraries\/L2Header\.sol$/, 'libraries', 'verifier,examples'],
  [/^libraries\/BlobReader\.sol$/, 'libraries', 'verifier,rollup,attacks'],
  [/^libraries\/CheckpointLib\.sol$/, 'libraries', 'verifier,rollup,bridge'],
  [/^libraries\/Segments\.sol$/, 'libraries', 'rollup,money,attacks'],
  [/^libraries\/SystemContracts\.sol$/, 'libraries', 'rollup'],
  [/^libraries\/Queue\.sol$/, 'inbox', 'attacks,money'],
  [/^libraries\/Burn\.sol$/, 'inbox', 'rollup,money,attacks'],
  [/^libraries\/StateProof\.sol$/, 'libraries', 'bridge,examples'],
  [/^libraries\/GasFloor\.sol$/, 'bridge', 'examples'],
  [/^libraries\/L1State\.sol$/, 'examples', 'libraries'],
];
const foldersOf = (file) => FOLDERS.find(([of]) => of.test(file)).slice(1);

/// What becomes of what, in lines of code. Each match is a mutant of its own.
const OPERATORS = [
  [/^(\s*)require\(.*\);\s*$/, '$1'],
  [/^(\s*)(_[a-z]\w*\(.*\)|Burn\.burn\(.*\));\s*$/i, '$1'],
  [/^(\s*)[\w.[\]]+ (=|\+=|-=) [^=].*;\s*$/, '$1'],
  [/ < /, ' <= '], [/ <= /, ' < '], [/ > /, ' >= '], [/ >= /, ' > '],
  [/ == /, ' != '], [/ != /, ' == '], [/ && /, ' || '], [/ \|\| /, ' && '],
  [/ \+ /, ' - '], [/ - /, ' + '], [/ \/ 2/, ''], [/ \+= /, ' -= '], [/ -= /, ' += '],
  [/= true;/, '= false;'], [/(return|\() ?!/, '$1 '], [/, 0\)/, ', 1)'],
];

function mutants(file) {
  const lines = fs.readFileSync(path.join(__dirname, 'src', file), 'utf8').split('\n');
  const found = [];
  lines.forEach((line, at) => {
    if (/^\s*(\/\/|\*|import|pragma|error|event|emit)/.test(line)) return;
    for (const [from, to] of OPERATORS) {
      const mutant = line.replace(from, to);
      if (mutant !== line) found.push({ file, at, line, mutant });
    }
  });
  return found;
}

/// The same order at every run: by a hash of what the mutant is.
function shuffled(list) {
  const hash = (m) => require('crypto').createHash('sha256').update(`${m.file}${m.line}${m.mutant}`).digest('hex');
  return list.map((m) => [hash(m), m]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, m]) => m);
}

function prepare() {
  fs.rmSync(COPY, { recursive: true, force: true });
  fs.mkdirSync(COPY, { recursive: true });
  for (const name of ['src', 'test', 'bin', 'foundry.toml']) fs.cpSync(path.join(__dirname, name), path.join(COPY, name), { recursive: true });
  fs.symlinkSync(path.join(__dirname, 'node_modules'), path.join(COPY, 'node_modules'));
}

function test(forge, folders) {
  const args = ['test', '--match-path', `test/{${folders}}/*`.replace(/{([^,]*)}/, '$1'), '--no-match-contract', 'InvariantsOf.*', '--fail-fast'];
  const env = { ...process.env, FOUNDRY_AST: 'false' };
  // Quicker, but for tests that count the nonces of what they deploy.
  if (!/bridge|deployment/.test(folders)) env.FOUNDRY_DYNAMIC_TEST_LINKING = 'true';
  const { status, stdout, stderr } = spawnSync(forge, args, { cwd: COPY, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (/Compiler run failed|Compilation failed|Error \(\d+\):/.test(stdout + stderr)) return 'invalid';
  return status === 0 ? 'SURVIVED' : 'killed';
}

/// What src/ is compiled to, without the tests: a mutant that changes nothing of it is none.
function compiled(forge) {
  const env = { ...process.env, FOUNDRY_AST: 'false', FOUNDRY_OUT: 'out-src', FOUNDRY_CACHE_PATH: 'cache-src' };
  const { status } = spawnSync(forge, ['build', 'src'], { cwd: COPY, env });
  if (status !== 0) throw new Error('src/ does not build without the tests');
  const out = path.join(COPY, 'out-src');
  const code = (file) => {
    const { bytecode, deployedBytecode } = JSON.parse(fs.readFileSync(path.join(out, file), 'utf8'));
    return [file, bytecode.object, deployedBytecode.object];
  };
  const files = fs.readdirSync(out, { recursive: true }).filter((file) => /\.sol\/[^/]*\.json$/.test(file));
  return JSON.stringify(files.sort().map(code));
}

/// Each list of folders in turn, as long as nothing notices. `whole` is what is compiled without any mutant.
function fate(forge, file, whole) {
  const [first, ...others] = foldersOf(file);
  let became = test(forge, first);
  if (became === 'SURVIVED' && compiled(forge) === whole) return 'same';
  for (const folders of others) {
    if (became === 'SURVIVED') became = test(forge, folders);
  }
  return became;
}

function main(forge, seconds, skip, files) {
  const end = Date.now() + 1000 * seconds;
  const list = shuffled((files.length > 0 ? files : FILES).flatMap(mutants));
  prepare();
  for (const folders of new Set(list.flatMap((m) => foldersOf(m.file)))) {
    if (test(forge, folders) !== 'SURVIVED') throw new Error(`the tests of ${folders} fail without any mutant`);
  }
  const whole = compiled(forge);
  const count = { invalid: 0, same: 0, killed: 0, SURVIVED: 0 };
  for (const { file, at, line, mutant } of list.slice(skip)) {
    if (Date.now() > end) break;
    const target = path.join(COPY, 'src', file);
    const original = fs.readFileSync(target, 'utf8');
    const lines = original.split('\n');
    lines[at] = mutant;
    fs.writeFileSync(target, lines.join('\n'));
    const became = fate(forge, file, whole);
    fs.writeFileSync(target, original);
    count[became] += 1;
    console.log(`${became} ${file}:${at + 1}: ${line.trim()} -> ${mutant.trim() || 'nothing'}`);
  }
  console.log(`of ${list.length} mutants: ${JSON.stringify(count)}`);
  fs.rmSync(COPY, { recursive: true, force: true });
}

const [forge, seconds, skip, ...files] = process.argv.slice(2);
if (!(Number(seconds) > 0) || !(Number(skip) >= 0)) {
  console.error('usage: node mutants.js FORGE SECONDS SKIP [FILE...]');
  process.exit(1);
}
const unknown = files.find((file) => !file.endsWith('.sol') || !fs.existsSync(path.join(__dirname, 'src', file)));
if (unknown !== undefined) {
  console.error(`expected a contract by its path within contracts/src, as rollup/Bonds.sol, got ${unknown}`);
  process.exit(1);
}
main(forge, Number(seconds), Number(skip), files);
