// The walk-throughs of docs/, as they stand there: every command of them is run. Only the places that a reader fills in are filled in here, and
// the ports are the operating system's.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { mnemonicToAccount } from 'viem/accounts'
import { toHex } from 'viem'
import { start } from './nodes.js'

const root = join(import.meta.dirname, '../..')
const PHRASE = 'test test test test test test test test test test test junk'
const keyOf = (addressIndex) => toHex(mnemonicToAccount(PHRASE, { addressIndex }).getHdKey().privateKey)

/// The blocks of shell commands behind a heading.
function commands(page, heading) {
  const section = readFileSync(join(root, 'docs', page), 'utf8').split(`## ${heading}\n`)[1].split('\n## ')[0]
  return [...section.matchAll(/^```sh\n(.*?)^```/gms)].map((block) => block[1])
}

/// Replaces text that must be there.
function replaced(text, ...changes) {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the page has no ${from} any more: say here what a reader fills in`)
    return text.replaceAll(from, to)
  }, text)
}

/// Programs with their arguments, one a line.
const programs = (block) =>
  replaced(block, ['\\\n', '']).split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.trim().split(/\s+/))

async function shell(script) {
  const env = { ...process.env, PATH: `${dirname(process.env.CAST)}:${process.env.PATH}`, FOUNDRY_OFFLINE: 'true' }
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env })
  return stdout
}

const stop = []
after(() => Promise.all(stop.map((stop) => stop())))

/// Runs the programs of a block in a folder of their own, daemons in the background, and tells where those listen, by name.
async function network(block, name) {
  const folder = join(process.env.FOLDER, name)
  mkdirSync(folder)
  for (const [index, role] of ['deployer', 'proposer', 'challenger'].entries()) writeFileSync(join(folder, `${role}.key`), keyOf(index))
  writeFileSync(join(folder, 'alloc.toml'), '')
  const daemons = {}
  for (const [program, ...args] of programs(block)) {
    if (program === 'cargo') continue // what it builds is there
    const [, name] = program.match(/^target\/release\/([\w-]+)$/)
    const filled = args.map((arg, at) => {
      if (arg === '8545') return '0'
      if (/^127.0.0.1:\d+$/.test(arg)) return '127.0.0.1:0'
      if (arg === 'http://127.0.0.1:8545') return daemons['l1-node'].url
      return /-(file|dir)$|^--(out|config|alloc)$/.test(args[at - 1]) ? join(folder, arg) : arg
    })
    const executable = join(process.env.BINARIES, name)
    if (name === 'recourse-deploy') {
      await promisify(execFile)(executable, filled)
      continue
    }
    const log = join(folder, `${name}.log`)
    // The build for tests makes no binary of the challenger's own: `demo` has it inside.
    const inDemo = name === 'recourse-challenger'
    daemons[name] = await (inDemo ? start(join(process.env.BINARIES, 'demo'), ['challenger', ...filled], log) : start(executable, filled, log))
    stop.push(daemons[name].stop)
  }
  return { daemons, folder, toml: readFileSync(join(folder, 'rollup.toml'), 'utf8') }
}

/// `recourse-deploy --verify`: its exit status, and what it prints.
async function verify(file, l1) {
  const args = ['--verify', file, '--l1-rpc', l1]
  try {
    const { stdout, stderr } = await promisify(execFile)(join(process.env.BINARIES, 'recourse-deploy'), args)
    return [0, stdout + stderr]
  } catch ({ code, stdout, stderr }) {
    return [code, stdout + stderr]
  }
}

test('README.md: L1, contracts, proposer and challenger as they are started for real', async () => {
  const { daemons, folder, toml } = await network(commands('../README.md', 'Run it for real')[0], 'readme')
  assert.deepEqual(Object.keys(daemons), ['l1-node', 'recourse-proposer', 'recourse-challenger'])
  for (const name of ['recourse-proposer', 'recourse-challenger']) {
    const healthy = async () => (await fetch(`${daemons[name].url}/health`)).ok
    while (!(await healthy())) await new Promise((done) => setTimeout(done, 200))
  }
  // deploy.md: anybody can verify the file, and one number altered is seen.
  const l1 = daemons['l1-node'].url
  const [status, list] = await verify(join(folder, 'rollup.toml'), l1)
  assert.equal(status, 0, list)
  assert.match(list, /ok +claims start from that genesis/)
  assert.doesNotMatch(list, /DIFFERS/)
  assert.match(toml, /^challenge-window = 604800$/m)
  writeFileSync(join(folder, 'altered.toml'), toml.replace('challenge-window = 604800', 'challenge-window = 604799'))
  const [altered, differences] = await verify(join(folder, 'altered.toml'), l1)
  assert.equal(altered, 1, differences)
  assert.match(differences, /DIFFERS +address of the Rollup follows from this file/)
  await Promise.all(Object.values(daemons).map(({ stop }) => stop()))
})

let filled
test('bridge.md: a deposit and a withdrawal', async () => {
  const { daemons, toml } = await network(commands('bridge.md', 'With `cast` alone')[0], 'bridge')
  const contract = (name) => toml.match(new RegExp(`^${name} = "(0x\\w+)"`, 'm'))[1]
  filled = replaced(
    commands('bridge.md', 'With `cast` alone')[1],
    ['http://127.0.0.1:8545', daemons['l1-node'].url],
    ['http://127.0.0.1:9545', daemons['recourse-proposer'].url],
    ['INBOX=0x...', `INBOX=${contract('inbox')}`],
    ['ROLLUP=0x...', `ROLLUP=${contract('rollup')}`],
    ['BRIDGE=0x...', `BRIDGE=${contract('bridge')}`],
  )
  const [credited, recorded, before, status, gas, after, paid] = (await shell(filled)).trim().split('\n')
  assert.deepEqual([credited, recorded, status, paid], ['3.000000000000000000', 'true', '0x1', 'true'])
  assert.ok(BigInt(gas) > 0n)
  assert.ok(Number(after) > Number(before) + 0.99)
})

test('messages.md: a message from L1 to L2', async () => {
  const [script] = commands('messages.md', 'With `cast` alone')
  const head = filled.split('\n').slice(0, 3).join('\n')
  const [anchor, status, gas, delivered, kept] = (await shell(`${head}\n${script}`)).trim().split('\n')
  assert.match(anchor, /^0x[0-9a-f]{64}$/)
  assert.deepEqual([status, delivered, kept], ['0x1', 'true', `0x${'68656c6c6f'.padEnd(64, '0')}`])
  assert.ok(BigInt(gas) > 0n)
})
