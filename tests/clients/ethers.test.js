// ethers: JsonRpcProvider, WebSocketProvider, Wallet and Contract.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  AbiCoder, Contract, ContractFactory, JsonRpcProvider, Transaction, Wallet, WebSocketProvider, concat, keccak256, parseEther, parseUnits, toBeHex,
  zeroPadValue,
} from 'ethers'
import { blob, chains, key, till } from './env.js'
import { proven } from './proof.js'

const ONE = parseUnits('1', 'gwei')
const slot = (number) => zeroPadValue(toBeHex(number), 32)
const paidSlot = (payer) => keccak256(AbiCoder.defaultAbiCoder().encode(['address', 'uint256'], [payer, 2n]))

for (const { name, url, blobs } of chains) {
  describe(name, () => {
    let provider, wallet, address, contract
    before(async () => {
      provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 100, cacheTimeout: -1 })
      wallet = new Wallet(key, provider)
      const deployed = await new ContractFactory(till.abi, till.bytecode, wallet).deploy()
      await deployed.waitForDeployment()
      address = await deployed.getAddress()
      contract = new Contract(address, till.abi, wallet)
    })
    after(() => provider.destroy())

    test('reads, estimates, and pays what it estimated', async () => {
      assert.equal(await contract.total(), 0n)
      const gasLimit = await contract.pay.estimateGas('ethers', { value: ONE })
      const receipt = await (await contract.pay('ethers', { value: ONE, gasLimit })).wait()
      assert.ok(receipt.gasUsed <= gasLimit)
      assert.equal(await contract.paid(wallet.address), ONE)
      assert.deepEqual((await provider.getBlock(receipt.blockNumber)).hash, receipt.blockHash)
    })

    const accessList = [{ address: '0x0000000000000000000000000000000000000001', storageKeys: [slot(0)] }]
    for (const [type, fields] of [[0, {}], [1, { accessList }], [2, { accessList }]]) {
      test(`sends type ${type}`, async () => {
        const sent = await contract.pay(`type ${type}`, { value: ONE, type, ...fields })
        const receipt = await sent.wait()
        const found = await provider.getTransaction(sent.hash)
        assert.deepEqual([sent.type, receipt.type, found.type, receipt.status], [type, type, type, 1])
        assert.deepEqual([found.hash, found.from, found.value], [sent.hash, wallet.address, ONE])
        assert.deepEqual(JSON.stringify(found.signature), JSON.stringify(sent.signature))
      })
    }

    if (blobs) {
      test('sends type 3: a blob with cell proofs', async () => {
        const { maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData()
        const request = {
          type: 3, to: address, data: contract.interface.encodeFunctionData('keepBlob'), gasLimit: 200_000n, maxFeePerGas, maxPriorityFeePerGas,
          maxFeePerBlobGas: BigInt(await provider.send('eth_blobBaseFee', [])) * 2n, blobWrapperVersion: 1,
          blobs: [{ data: blob.data, commitment: blob.commitment, proof: concat(blob.proofs) }], blobVersionedHashes: [blob.versionedHash],
        }
        const signed = await wallet.signTransaction(await wallet.populateTransaction(request))
        assert.equal(Transaction.from(signed).blobWrapperVersion, 1)
        const sent = await provider.broadcastTransaction(signed)
        const receipt = await sent.wait()
        assert.deepEqual([receipt.type, receipt.status, receipt.blobGasUsed], [3, 1, 131_072n])
        assert.equal(await contract.blob(), blob.versionedHash)
        assert.deepEqual((await provider.getTransaction(sent.hash)).blobVersionedHashes, [blob.versionedHash])
      })
    }

    test('sends type 4: an account that acts as a contract', async () => {
      const authority = Wallet.createRandom().connect(provider)
      const authorization = await authority.authorize({ address })
      const data = contract.interface.encodeFunctionData('pay', ['as a contract'])
      const sent = await wallet.sendTransaction({ type: 4, to: authority.address, data, value: ONE, authorizationList: [authorization] })
      const receipt = await sent.wait()
      assert.deepEqual([receipt.type, receipt.status, receipt.logs[0].address], [4, 1, authority.address])
      assert.equal(await provider.getCode(authority.address), concat(['0xef0100', address]).toLowerCase())
      const found = await provider.getTransaction(sent.hash)
      assert.deepEqual([found.authorizationList[0].address, found.authorizationList[0].nonce], [address, 0n])
    })

    test('reads fees and the fee history', async () => {
      const fees = await provider.getFeeData()
      assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas > fees.maxPriorityFeePerGas)
      const history = await provider.send('eth_feeHistory', ['0x3', 'latest', [10, 90]])
      assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
      assert.equal(history.reward.length, history.gasUsedRatio.length)
      const block = await provider.getBlock('latest')
      assert.equal(BigInt(history.baseFeePerGas.at(-2)), block.baseFeePerGas)
    })

    test('finds logs, and hears of them by polling', async () => {
      const heard = new Promise((done) => contract.once('Paid', (payer, amount, note) => done([payer, amount, note])))
      await provider.getBlockNumber()
      const { blockNumber, hash } = await (await contract.pay('looked for', { value: ONE })).wait()
      const mine = await contract.queryFilter(contract.filters.Paid(wallet.address), blockNumber)
      assert.deepEqual(mine.map((log) => [log.transactionHash, log.args.note]), [[hash, 'looked for']])
      assert.deepEqual(await contract.queryFilter(contract.filters.Paid(address), 0), [])
      const [payer, amount] = await heard
      assert.deepEqual([payer, amount], [wallet.address, ONE])
    })

    test('verifies a proof of an account and its storage', async () => {
      const block = await provider.getBlock('latest')
      const slots = [slot(0), paidSlot(wallet.address), slot(0x77)]
      const at = toBeHex(block.number).replace(/^0x0+/, '0x')
      const proof = await provider.send('eth_getProof', [address, slots, at])
      const overrides = { blockTag: block.number }
      const values = [await contract.total(overrides), await contract.paid(wallet.address, overrides), 0n]
      const seen = await proven(block.stateRoot, proof, Object.fromEntries(slots.map((slot, i) => [slot, values[i]])))
      assert.deepEqual(seen, { nonce: 1, balance: await provider.getBalance(address, block.number) })
    })

    test('hears of heads and logs over WebSocket', async () => {
      const socket = new WebSocketProvider(url.replace('http', 'ws'))
      const head = new Promise((done) => socket.once('block', done))
      const log = new Promise((done) => new Contract(address, till.abi, socket).once('Paid', (...args) => done(args)))
      await socket.getBlockNumber()
      // The subscriptions are asked for in the background: nothing says when they are there.
      let receipt
      const heard = log.then((args) => args[2])
      do receipt = await (await contract.pay('heard', { value: ONE })).wait()
      while (!(await Promise.race([heard, new Promise((done) => setTimeout(done, 500))])))
      assert.equal(await heard, 'heard')
      assert.ok((await head) <= receipt.blockNumber)
      await socket.destroy()
    })

    test('decodes why a call reverts', async () => {
      await assert.rejects(contract.pay.staticCall('', { value: ONE }), { code: 'CALL_EXCEPTION', reason: 'no note' })
      await assert.rejects(contract.pay.estimateGas('little', { value: 1n }), (error) => {
        assert.equal(error.code, 'CALL_EXCEPTION')
        const { name, args } = contract.interface.parseError(error.data)
        assert.deepEqual([name, [...args]], ['TooLittle', [1n, ONE]])
        return true
      })
      const sent = await contract.pay('', { gasLimit: 100_000n })
      await assert.rejects(sent.wait(), (error) => error.code === 'CALL_EXCEPTION' && error.receipt.status === 0)
    })

    test('knows why a transaction is refused', async () => {
      const to = wallet.address
      const send = (fields) => wallet.sendTransaction({ to, gasLimit: 21_000n, ...fields })
      await assert.rejects(send({ value: parseEther('1000000') }), { code: 'INSUFFICIENT_FUNDS' })
      await assert.rejects(send({ nonce: 0 }), { code: 'NONCE_EXPIRED' })
      await assert.rejects(wallet.estimateGas({ to, value: parseEther('1000000') }), { code: 'INSUFFICIENT_FUNDS' })
    })

    test('is served blocks by their tags, and nothing for what is unknown', async () => {
      for (const tag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) assert.ok(await provider.getBlock(tag, true))
      assert.equal(await provider.getBlock(1_000_000), null)
      assert.equal(await provider.getTransaction(slot(1)), null)
      assert.equal(await provider.getTransactionReceipt(slot(1)), null)
    })
  })
}
