// What `eth_getProof` answers, verified by EthereumJS' trie under a block's state root.
import { verifyMerkleProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { deepEqual, equal } from 'node:assert/strict'
import { bytesToBigInt, hexToBytes, pad, toHex } from 'viem'

const under = (root) => ({ root: hexToBytes(root), useKeyHashing: true })

/// The account that a proof shows: nonce and balance; its storage is compared with `slots`, slot to value.
export async function proven(stateRoot, proof, slots) {
  const nodes = proof.accountProof.map((node) => hexToBytes(node))
  const account = await verifyMerkleProof(hexToBytes(proof.address), nodes, under(stateRoot))
  const [nonce, balance, storageRoot, codeHash] = RLP.decode(account)
  equal(toHex(storageRoot), proof.storageHash)
  equal(toHex(codeHash), proof.codeHash)
  const found = {}
  for (const { key, value, proof: path } of proof.storageProof) {
    const slot = pad(hexToBytes(key), { size: 32 })
    const leaf = await verifyMerkleProof(slot, path.map((node) => hexToBytes(node)), under(toHex(storageRoot)))
    found[toHex(slot)] = leaf ? bytesToBigInt(RLP.decode(leaf)) : 0n
    equal(BigInt(value), found[toHex(slot)])
  }
  deepEqual(found, slots)
  return { nonce: Number(bytesToBigInt(nonce)), balance: bytesToBigInt(balance) }
}
