// Runs clients that nobody here wrote against real nodes: `node run.js BINARIES PYTHON CAST [CLIENT..]`, by `cargo xtask clients`.
//
// Every client gets an l1-node of its own. They share one rollup on another L1: contracts and a proposer. All in a new folder, which goes
// with the run unless something failed; ports are the operating system's.
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { mnemonicToAccount } from 'viem/accounts'
import { toHex } from 'viem'
import { start } from './nodes.js'

const here = import.meta.dirname
const [binaries, python, cast, ...only] = process.argv.slice(2)
if (!cast) throw new Error('expected: node run.js BINARIES PYTHON CAST [CLIENT..]')
const program = (name) => join(resolve(binaries), name)
const folder = mkdtempSync(join(tmpdir(), 'recourse-clients-'))
const file = (name) => join(folder, name)
/// Milliseconds that a client may take, and that each of its tests may: so a test that hangs is named.
const [PATIENCE, TEST_PATIENCE] = [300_000, 240_000]
const test = (name) => ['node', '--test', '--test-reporter=spec', `--test-timeout=${TEST_PATIENCE}`, join(here, `${name}.test.js`)]

/// The clients, each with its number among the dev accounts, and how it is run.
const clients = {
  docs: { account: 7, command: test('docs') },
  viem: { account: 2, command: test('viem') },
  ethers: { account: 3, command: test('ethers') },
  'web3.py': { account: 4, command: [python, '-m', 'unittest', '-v', 'web3_test'] },
  cast: { account: 5, command: test('cast') },
  page: { account: 6, command: test('page') },
}

const PHRASE = 'test test test test test test test test test test test junk'
const dev = (addressIndex) => mnemonicToAccount(PHRASE, { addressIndex })
const keyOf = (index) => toHex(dev(index).getHdKey().privateKey)

/// Compiles the contract that the clients deploy, with the compiler of contracts/.
function compile() {
  const solc = createRequire(join(here, '../../contracts/package.json'))('solc')
  const source = readFileSync(join(here, 'Till.sol'), 'utf8')
  const settings = { evmVersion: 'osaka', outputSelection: { '*': { Till: ['abi', 'evm.bytecode.object'] } } }
  const input = { language: 'Solidity', sources: { 'Till.sol': { content: source } }, settings }
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input)))
  for (const error of errors) throw new Error(error.formattedMessage)
  const { abi, evm } = contracts['Till.sol'].Till
  writeFileSync(file('till.json'), JSON.stringify({ abi, bytecode: `0x${evm.bytecode.object}` }))
}

/// An L1 with a rollup on it; all dev accounts have ether on L2, too.
async function rollup() {
  const l1 = await start(program('l1-node'), ['--port', '0', '--block-time', '1'], file('rollup-l1.log'))
  const alloc = Array.from({ length: 10 }, (_, index) => `["${dev(index).address}"]\nbalance = "0x3635c9adc5dea00000"\n`)
  writeFileSync(file('alloc.toml'), alloc.join('\n'))
  writeFileSync(file('deployer.key'), keyOf(0))
  writeFileSync(file('proposer.key'), keyOf(1))
  await promisify(execFile)(program('recourse-deploy'), [
    '--l1-rpc', l1.url, '--key-file', file('deployer.key'), '--alloc', file('alloc.toml'), '--out', file('rollup.toml'),
  ])
  const l2 = await start(program('recourse-proposer'), [
    '--config', file('rollup.toml'), '--l1-rpc', l1.url, '--l1-beacon', l1.url, '--key-file', file('proposer.key'),
    '--data-dir', file('proposer'), '--rpc-addr', '127.0.0.1:0', '--poll-interval', '200', '--batch-interval', '2', '--no-claims',
  ], file('proposer.log'))
  return [l1, l2]
}

/// Runs a client to its end; true if it is content.
async function run(name, { account, command }, l2) {
  const l1 = await start(program('l1-node'), ['--port', '0'], file(`${name}-l1.log`))
  const env = {
    ...process.env, L1: l1.url, L2: l2.url, KEY: keyOf(account), TILL: file('till.json'), BLOB: file('blob.json'), BINARIES: resolve(binaries),
    CAST: cast, FOLDER: folder, PYTHONFAULTHANDLER: '1',
  }
  const [executable, ...args] = command
  const begun = Date.now()
  // A signal that Python answers with where it is.
  const child = spawn(executable, args, { cwd: here, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE, killSignal: 'SIGABRT' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  try {
    const [code, signal] = await new Promise((done, fail) => child.once('close', (...how) => done(how)).once('error', fail))
    const how = code === 0 ? 'passed' : signal ? `FAILED: ${signal}${signal === 'SIGABRT' ? ', it took too long' : ''}` : 'FAILED'
    console.log(`${output}== ${name}: ${how}, ${seconds(begun)}`)
    return code === 0
  } finally {
    await l1.stop()
  }
}

for (const name of only) if (!clients[name]) throw new Error(`no client ${name}; there are: ${Object.keys(clients).join(', ')}`)
const seconds = (begun) => `${((Date.now() - begun) / 1000).toFixed(0)} s`
const begun = Date.now()
compile()
const blob = promisify(execFile)(python, [join(here, 'blob.py')], { maxBuffer: 1 << 20 })
const [[l1, l2], { stdout }] = await Promise.all([rollup(), blob])
writeFileSync(file('blob.json'), stdout)
console.log(`== nodes and a blob: ${seconds(begun)}`)
const failed = []
const waiting = Object.entries(clients).filter(([name]) => !only.length || only.includes(name))
const work = async () => {
  for (let next; (next = waiting.shift()); ) if (!(await run(...next, l2))) failed.push(next[0])
}
try {
  await Promise.all([work(), work()]) // two at a time: each waits for blocks most of the time
} finally {
  await Promise.all([l1.stop(), l2.stop()])
}
if (failed.length) {
  console.log(`failed: ${failed.join(', ')}; the logs of the nodes: ${folder}`)
  process.exit(1)
}
rmSync(folder, { recursive: true })
