// What run.js hands to a client.
import { readFileSync } from 'node:fs'

const given = (name) => {
  if (!process.env[name]) throw new Error(`${name} is not set: these tests are run by run.js`)
  return process.env[name]
}
const json = (name) => JSON.parse(readFileSync(given(name), 'utf8'))

export const key = given('KEY')
/// The chains to drive, each with its own quirks said once.
export const chains = [
  { name: 'L1', url: given('L1'), blobs: true },
  { name: 'L2', url: given('L2'), blobs: false },
]
/// ABI and bytecode of Till.sol.
export const till = json('TILL')
/// `{data, commitment, proofs, versionedHash}`.
export const blob = json('BLOB')
