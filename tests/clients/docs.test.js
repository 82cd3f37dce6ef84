// The walk-throughs of docs/, as they stand there: every command of them is run. Only the places that a reader fills in are filled in here, and
// the ports are the operating system's.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { mnemonicToAccount } from 'viem/accounts'
import { toHex } from 'viem'
import { start } from './nodes.js'

const root = join(import.meta.dirname, '../..')
const folder = join(process.env.FOLDER, 'docs')
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
const programs = (block) => replaced(block, ['\\\n', '']).trim().split('\n').map((line) => line.split(/\s+/))

async function shell(script) {
  const env = { ...process.env, PATH: `${dirname(process.env.CAST)}:${process.env.PATH}`, FOUNDRY_OFFLINE: 'true' }
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env })
  return stdout
}

const stop = []
let variables
before(async () => {
  mkdirSync(folder)
  writeFileSync(join(folder, 'deployer.key'), keyOf(0))
  writeFileSync(join(folder, 'proposer.key'), keyOf(1))
  const [l1Node, deploy, proposer] = programs(commands('bridge.md', 'With `cast` alone')[0])
  let l1
  const run = ([program, ...args]) => {
    const name = program.replace('target/release/', '')
    const filled = args.map((arg, at) => {
      if (arg === '8545') return '0'
      if (arg === '127.0.0.1:9545') return '127.0.0.1:0'
      if (arg === 'http://127.0.0.1:8545') return l1.url
      return /-(file|dir)$|^--(out|config)$/.test(args[at - 1]) ? join(folder, arg) : arg
    })
    return [join(process.env.BINARIES, name), filled, join(folder, `${name}.log`)]
  }
  l1 = await start(...run(l1Node))
  stop.push(l1.stop)
  await promisify(execFile)(...run(deploy).slice(0, 2))
  mkdirSync(join(folder, 'data'))
  const l2 = await start(...run(proposer))
  stop.push(l2.stop)
  const toml = readFileSync(join(folder, 'rollup.toml'), 'utf8')
  const contract = (name) => toml.match(new RegExp(`^${name} = "(0x\\w+)"`, 'm'))[1]
  variables = { l1: l1.url, l2: l2.url, inbox: contract('inbox'), rollup: contract('rollup'), bridge: contract('bridge') }
})
after(() => Promise.all(stop.map((stop) => stop())))

let filled
test('bridge.md: a deposit and a withdrawal', async () => {
  filled = replaced(
    commands('bridge.md', 'With `cast` alone')[1],
    ['http://127.0.0.1:8545', variables.l1],
    ['http://127.0.0.1:9545', variables.l2],
    ['INBOX=0x...', `INBOX=${variables.inbox}`],
    ['ROLLUP=0x...', `ROLLUP=${variables.rollup}`],
    ['BRIDGE=0x...', `BRIDGE=${variables.bridge}`],
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
