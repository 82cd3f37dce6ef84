// viem: a public client, a wallet client with a local account, HTTP and WebSocket.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  BaseError, ContractFunctionRevertedError, InsufficientFundsError, IntrinsicGasTooLowError, NonceTooLowError, concat, createPublicClient,
  createWalletClient, encodeFunctionData, fromRlp, getContract, http, keccak256, numberToHex, pad, parseEther, parseGwei, toRlp,
  webSocket, encodeAbiParameters,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { blob, chains, key, till } from './env.js'
import { proven } from './proof.js'

const account = privateKeyToAccount(key)
const ONE = parseGwei('1')
const PATIENT = { timeout: 120_000 } // the node's first look at a blob takes seconds, on a busy machine more than viem's ten
const paidSlot = (payer) => keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [payer, 2n]))
/// The error of viem's that stands somewhere in the chain of causes.
const because = (kind, check = () => {}) => (error) => {
  assert.ok(error instanceof BaseError, error)
  const cause = error.walk((cause) => cause instanceof kind)
  assert.ok(cause, `no ${kind.name} in: ${error.message}`)
  check(cause)
  return true
}

for (const { name, url, blobs } of chains) {
  describe(name, () => {
    let chain, client, wallet, address, contract
    const mined = async (hash) => {
      const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 100 })
      assert.equal(receipt.status, 'success')
      return receipt
    }

    before(async () => {
      const id = await createPublicClient({ transport: http(url) }).getChainId()
      chain = { id, name, nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } }
      client = createPublicClient({ chain, transport: http(url, PATIENT), pollingInterval: 100 })
      wallet = createWalletClient({ chain, account, transport: http(url, PATIENT) })
      const receipt = await mined(await wallet.deployContract({ abi: till.abi, bytecode: till.bytecode }))
      address = receipt.contractAddress
      contract = getContract({ address, abi: till.abi, client: { public: client, wallet } })
    })

    test('reads, estimates, and pays what it estimated', async () => {
      assert.equal(await contract.read.total(), 0n)
      const gas = await contract.estimateGas.pay(['viem'], { value: ONE, account })
      const receipt = await mined(await contract.write.pay(['viem'], { value: ONE, gas }))
      assert.equal(receipt.type, 'eip1559')
      assert.ok(receipt.gasUsed <= gas)
      assert.equal(await contract.read.paid([account.address]), ONE)
    })

    for (const [type, fields] of [
      ['legacy', async () => ({ gasPrice: (await client.getGasPrice()) * 2n })],
      ['eip2930', async () => ({ gasPrice: (await client.getGasPrice()) * 2n, accessList: [{ address, storageKeys: [pad('0x0')] }] })],
      ['eip1559', async () => ({})],
    ]) {
      test(`sends type ${type}`, async () => {
        const hash = await contract.write.pay([type], { value: ONE, type, ...(await fields()) })
        const receipt = await mined(hash)
        const sent = await client.getTransaction({ hash })
        assert.deepEqual([receipt.type, sent.type], [type, type])
        const block = await client.getBlock({ blockHash: receipt.blockHash, includeTransactions: true })
        assert.deepEqual(block.transactions.find((found) => found.hash === hash), sent)
      })
    }

    test('sends type eip7702: an account that acts as a contract', async () => {
      const authority = privateKeyToAccount(generatePrivateKey())
      const nonce = await client.getTransactionCount({ address: authority.address })
      const authorization = await authority.signAuthorization({ contractAddress: address, chainId: chain.id, nonce })
      const data = encodeFunctionData({ abi: till.abi, functionName: 'pay', args: ['as a contract'] })
      const hash = await wallet.sendTransaction({ to: authority.address, data, value: ONE, authorizationList: [authorization] })
      const receipt = await mined(hash)
      assert.equal(receipt.type, 'eip7702')
      assert.equal(receipt.logs[0].address, authority.address.toLowerCase())
      assert.equal(await client.getCode({ address: authority.address }), concat(['0xef0100', address]))
      assert.equal((await client.getTransaction({ hash })).authorizationList[0].address, address)
    })

    if (blobs) {
      test('sends type eip4844, with cell proofs', async () => {
        const [request, maxFeePerBlobGas] = [await wallet.prepareTransactionRequest({}), (await client.getBlobBaseFee()) * 2n]
        const signed = await wallet.signTransaction({
          type: 'eip4844', to: address, data: encodeFunctionData({ abi: till.abi, functionName: 'keepBlob' }), gas: 200_000n,
          nonce: request.nonce, maxFeePerGas: request.maxFeePerGas, maxPriorityFeePerGas: request.maxPriorityFeePerGas,
          maxFeePerBlobGas, blobVersionedHashes: [blob.versionedHash], sidecars: false,
        })
        // viem knows the sidecars of EIP-4844 only, which no L1 takes any more. So EIP-7594's wrapper is put around here.
        const body = fromRlp(`0x${signed.slice(4)}`, 'hex')
        const serializedTransaction = concat(['0x03', toRlp([body, '0x01', [blob.data], [blob.commitment], blob.proofs])])
        const receipt = await mined(await client.sendRawTransaction({ serializedTransaction }))
        assert.deepEqual([receipt.type, receipt.blobGasUsed], ['eip4844', 131_072n])
        assert.equal(await contract.read.blob(), blob.versionedHash)
        const sent = await client.getTransaction({ hash: receipt.transactionHash })
        assert.deepEqual(sent.blobVersionedHashes, [blob.versionedHash])
      })
    }

    test('reads the fee history, and fees from it', async () => {
      const history = await client.getFeeHistory({ blockCount: 3, rewardPercentiles: [10, 90] })
      assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
      assert.equal(history.reward.length, history.gasUsedRatio.length)
      const fees = await client.estimateFeesPerGas()
      assert.ok(fees.maxFeePerGas > history.baseFeePerGas.at(-1))
    })

    test('finds logs by event and argument, and by filter', async () => {
      const filter = await client.createContractEventFilter({ address, abi: till.abi, eventName: 'Paid' })
      const { blockNumber } = await mined(await contract.write.pay(['looked for'], { value: ONE }))
      const [log] = await client.getFilterChanges({ filter })
      assert.deepEqual(log.args, { payer: account.address, amount: ONE, note: 'looked for' })
      const args = { payer: account.address }
      const found = await client.getContractEvents({ address, abi: till.abi, eventName: 'Paid', args, fromBlock: blockNumber })
      assert.deepEqual(found, [log])
      const others = { address, abi: till.abi, eventName: 'Paid', args: { payer: address }, fromBlock: 0n }
      assert.deepEqual(await client.getContractEvents(others), [])
      assert.ok(await client.uninstallFilter({ filter }))
    })

    test('verifies a proof of an account and its storage', async () => {
      const [paid, total] = [await contract.read.paid([account.address]), await contract.read.total()]
      const block = await client.getBlock()
      const slots = [pad('0x0'), paidSlot(account.address), pad('0x77')]
      const proof = await client.getProof({ address, storageKeys: slots, blockNumber: block.number })
      const seen = await proven(block.stateRoot, proof, { [slots[0]]: total, [slots[1]]: paid, [slots[2]]: 0n })
      assert.deepEqual(seen, { nonce: 1, balance: await client.getBalance({ address, blockNumber: block.number }) })
    })

    test('hears of heads and logs over WebSocket', async () => {
      const listener = createPublicClient({ chain, transport: webSocket(url.replace('http', 'ws')) })
      const heard = (watch) => new Promise((onHeard, onError) => watch(onHeard, onError))
      const head = heard((onBlock, onError) => listener.watchBlocks({ onBlock, onError }))
      const logs = heard((onLogs, onError) => listener.watchContractEvent({ address, abi: till.abi, eventName: 'Paid', onLogs, onError }))
      // The subscriptions are asked for in the background: nothing says when they are there.
      const both = Promise.all([head, logs])
      let receipt
      do receipt = await mined(await contract.write.pay(['heard'], { value: ONE }))
      while (!(await Promise.race([both, new Promise((done) => setTimeout(done, 500))])))
      assert.equal((await logs)[0].args.note, 'heard')
      assert.ok((await head).number <= receipt.blockNumber)
      ;(await listener.transport.getRpcClient()).close()
    })

    test('decodes why a call reverts', async () => {
      await assert.rejects(contract.simulate.pay([''], { value: ONE, account }), because(ContractFunctionRevertedError, (cause) =>
        assert.equal(cause.reason, 'no note')))
      await assert.rejects(contract.estimateGas.pay(['little'], { value: 1n, account }), because(ContractFunctionRevertedError, (cause) =>
        assert.deepEqual([cause.data.errorName, cause.data.args], ['TooLittle', [1n, ONE]])))
      const hash = await contract.write.pay([''], { gas: 100_000n })
      const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 100 })
      assert.equal(receipt.status, 'reverted')
    })

    test('knows why a transaction is refused', async () => {
      const to = account.address
      const send = (fields) => wallet.sendTransaction({ to, gas: 21_000n, ...fields })
      await assert.rejects(send({ value: parseEther('1000000') }), because(InsufficientFundsError))
      await assert.rejects(send({ nonce: 0 }), because(NonceTooLowError))
      await assert.rejects(send({ gas: 20_999n }), because(IntrinsicGasTooLowError))
      await assert.rejects(client.estimateGas({ account, to, value: parseEther('1000000') }), because(InsufficientFundsError))
    })

    test('is served blocks by their tags, and what is unknown as unknown', async () => {
      for (const blockTag of ['earliest', 'finalized', 'safe', 'latest', 'pending']) assert.ok(await client.getBlock({ blockTag }))
      assert.equal((await client.getBlock({ blockTag: 'earliest' })).number, 0n)
      await assert.rejects(client.getBlock({ blockNumber: 1_000_000n }), { name: 'BlockNotFoundError' })
      await assert.rejects(client.getTransaction({ hash: numberToHex(1, { size: 32 }) }), { name: 'TransactionNotFoundError' })
    })
  })
}
