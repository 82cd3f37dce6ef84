// Foundry's cast, the native binary.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { proven } from './proof.js'
import { chains, key, till } from './env.js'

const ONE = 10n ** 9n
const signed = ['--private-key', key]

for (const { name, url, blobs } of chains) {
  describe(name, () => {
    let me, address
    const cast = async (...args) => {
      const env = { ...process.env, ETH_RPC_URL: url, FOUNDRY_OFFLINE: 'true' } // it looks for names of errors nowhere
      return (await promisify(execFile)(process.env.CAST, args, { env, maxBuffer: 1 << 24 })).stdout.trim()
    }
    const json = async (...args) => JSON.parse(await cast(...args, '--json'))
    const sent = async (...args) => {
      const receipt = await json('send', ...signed, ...args)
      assert.equal(receipt.status, '0x1')
      return receipt
    }
    const pay = (note, ...args) => sent(address, 'pay(string)', note, '--value', `${ONE}`, ...args)
    const read = async (...args) => BigInt((await cast('call', address, ...args)).split(' ')[0])

    before(async () => {
      me = await cast('wallet', 'address', key)
      address = (await sent('--create', till.bytecode)).contractAddress
    })

    test('reads, estimates, and pays what it estimated', async () => {
      const gas = await cast('estimate', address, 'pay(string)', 'cast', '--value', `${ONE}`, '--from', me)
      const receipt = await pay('cast', '--gas-limit', gas)
      assert.ok(BigInt(receipt.gasUsed) <= BigInt(gas))
      assert.equal(await read('paid(address)(uint256)', me), ONE)
      assert.equal(await cast('receipt', receipt.transactionHash, 'blockHash'), receipt.blockHash)
      assert.equal(await cast('codesize', address), `${(await cast('code', address)).length / 2 - 1}`)
    })

    for (const [type, args] of [[0, ['--legacy']], [1, ['--legacy', '--access-list']], [2, ['--access-list']], [2, []]]) {
      test(`sends type ${type} ${args.join(' ')}`, async () => {
        const receipt = await pay(`type ${type}`, ...args)
        assert.equal(BigInt(receipt.type), BigInt(type))
        const found = await json('tx', receipt.transactionHash)
        assert.deepEqual([found.hash, found.type], [receipt.transactionHash, receipt.type])
        assert.equal(found.accessList?.length ?? 0, args.includes('--access-list') ? 1 : 0)
      })
    }

    if (blobs) {
      test('sends type 3: a blob with cell proofs; without them it is told what is missing', async () => {
        const path = join(process.env.FOLDER, 'cast.blob')
        writeFileSync(path, 'what cast keeps in a blob')
        const send = ['send', ...signed, address, 'keepBlob()', '--blob', '--path', path]
        const receipt = await json(...send)
        assert.deepEqual([receipt.type, receipt.status, receipt.blobGasUsed], ['0x3', '0x1', '0x20000'])
        const { blobVersionedHashes } = await json('tx', receipt.transactionHash)
        assert.equal(await cast('call', address, 'blob()(bytes32)'), blobVersionedHashes[0])
        await assert.rejects(cast(...send, '--eip4844'), ({ stderr }) => /want: 1 \(EIP-7594, with cell proofs\)/.test(stderr) || assert.fail(stderr))
      })
    }

    test('sends type 4: an account that acts as a contract', async () => {
      const { address: authority, private_key: secret } = (await json('wallet', 'new'))[0]
      const authorization = await cast('wallet', 'sign-auth', address, '--private-key', secret, '--nonce', '0')
      const receipt = await sent(authority, 'pay(string)', 'as a contract', '--value', `${ONE}`, '--auth', authorization)
      assert.deepEqual([receipt.type, receipt.logs[0].address], ['0x4', authority.toLowerCase()])
      assert.equal(await cast('code', authority), `0xef0100${address.slice(2).toLowerCase()}`)
    })

    test('reads fees and blocks, and rebuilds the hash of a header', async () => {
      assert.ok(BigInt(await cast('gas-price')) > 0n)
      assert.ok(BigInt(await cast('base-fee')) > 0n)
      const history = JSON.parse(await cast('rpc', 'eth_feeHistory', '0x3', 'latest', '[10,90]'))
      assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
      const block = await json('block', 'latest')
      assert.equal(await cast('keccak', await cast('block', block.hash, '--raw')), block.hash)
      for (const tag of ['earliest', 'finalized', 'safe', 'pending']) assert.ok((await json('block', tag)).number)
    })

    test('finds logs by event and argument', async () => {
      const { transactionHash, blockNumber } = await pay('looked for')
      const paid = ['Paid(address indexed,uint256,string)', me, '--address', address]
      const logs = await json('logs', ...paid, '--from-block', `${BigInt(blockNumber)}`)
      assert.deepEqual(logs.map((log) => log.transactionHash), [transactionHash])
      assert.deepEqual(await json('logs', paid[0], address, '--address', address, '--from-block', '0'), [])
    })

    test('fetches a proof that verifies', async () => {
      await pay('proven')
      const [slot, empty] = [await cast('index', 'address', me, '2'), `0x${'77'.repeat(32)}`]
      const { stateRoot, number } = await json('block', 'latest')
      const at = ['--block', `${BigInt(number)}`]
      const proof = await json('proof', address, slot, empty, ...at)
      const paid = await read('paid(address)(uint256)', me, ...at)
      const seen = await proven(stateRoot, proof, { [slot]: paid, [empty]: 0n })
      assert.deepEqual(seen, { nonce: 1, balance: BigInt(await cast('balance', address, ...at)) })
      assert.equal(BigInt(await cast('storage', address, slot, ...at)), paid)
    })

    test('traces a call, and runs a transaction again', async () => {
      const { transactionHash } = await pay('traced')
      const trace = JSON.parse(await cast('rpc', 'debug_traceTransaction', transactionHash, '{"tracer":"callTracer"}'))
      assert.deepEqual([trace.type, trace.to], ['CALL', address.toLowerCase()])
      assert.match(await cast('run', transactionHash), /Transaction successfully executed/)
    })

    test('decodes why a call reverts', async () => {
      const call = (note, value) => cast('call', address, 'pay(string)', note, '--value', value, '--from', me)
      await assert.rejects(call('', `${ONE}`), ({ stderr }) => /execution reverted: no note/.test(stderr) || assert.fail(stderr))
      await assert.rejects(call('little', '1'), ({ stderr }) => {
        const data = stderr.match(/data: "(0x[0-9a-f]+)"/)?.[1]
        assert.ok(data, stderr)
        assert.equal(data.length, 2 + 8 + 128)
        return true
      })
      const receipt = await json('send', ...signed, address, 'pay(string)', '', '--gas-limit', '100000').catch((error) => error)
      assert.match(JSON.stringify(receipt), /"status":"0x0"|transaction reverted/i)
    })

    test('knows why a transaction is refused', async () => {
      const send = (...args) => cast('send', ...signed, me, '--gas-limit', '21000', ...args)
      const because = (words) => ({ stderr }) => words.test(stderr) || assert.fail(stderr)
      await assert.rejects(send('--value', '1000000ether'), because(/insufficient funds/))
      await assert.rejects(send('--nonce', '0'), because(/nonce too low/))
    })

    test('hears of logs over WebSocket', async () => {
      const listener = spawn(process.env.CAST, ['logs', '--subscribe', '--address', address, '--rpc-url', url.replace('http', 'ws'), '--json'])
      const heard = new Promise((done) => listener.stdout.setEncoding('utf8').once('data', done))
      // Nothing says when the subscription is there.
      const soon = () => Promise.race([heard, new Promise((done) => setTimeout(done, 500))])
      do await pay('heard')
      while (!(await soon()))
      listener.kill()
      assert.ok((await heard).includes(address.slice(2)))
    })
  })
}
