"""Makes vectors.json: inputs of random content, written and hashed by remerkleable, which shares no code with ours.

    pip install remerkleable==0.1.28 && python vectors.py > vectors.json

Containers: consensus-specs (Deneb, Electra) for the request, EIP-8025 for the rest (its progressive lists outside the
request are written as any list, and only the request's root is needed).
"""

import json
import random

from remerkleable.basic import boolean, uint16, uint64, uint256
from remerkleable.byte_arrays import ByteList, Bytes32, Bytes48, Bytes96, ByteVector
from remerkleable.complex import Container, List

MANY = 2**20  # stands for the limit of a progressive list, which has none


class Withdrawal(Container):
    index: uint64
    validator_index: uint64
    address: ByteVector[20]
    amount: uint64


class ExecutionPayload(Container):
    parent_hash: Bytes32
    fee_recipient: ByteVector[20]
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions: List[ByteList[2**30], 2**20]
    withdrawals: List[Withdrawal, 16]
    blob_gas_used: uint64
    excess_blob_gas: uint64


class DepositRequest(Container):
    pubkey: Bytes48
    withdrawal_credentials: Bytes32
    amount: uint64
    signature: Bytes96
    index: uint64


class WithdrawalRequest(Container):
    source_address: ByteVector[20]
    validator_pubkey: Bytes48
    amount: uint64


class ConsolidationRequest(Container):
    source_address: ByteVector[20]
    source_pubkey: Bytes48
    target_pubkey: Bytes48


class ExecutionRequests(Container):
    deposits: List[DepositRequest, 2**13]
    withdrawals: List[WithdrawalRequest, 2**4]
    consolidations: List[ConsolidationRequest, 2]


class DenebRequest(Container):
    execution_payload: ExecutionPayload
    versioned_hashes: List[Bytes32, 4096]
    parent_beacon_block_root: Bytes32


class ElectraRequest(Container):
    execution_payload: ExecutionPayload
    versioned_hashes: List[Bytes32, 4096]
    parent_beacon_block_root: Bytes32
    execution_requests: ExecutionRequests


class ExecutionWitness(Container):
    state: List[ByteList[2**10], MANY]
    codes: List[ByteList[2**16], MANY]
    headers: List[ByteList[2**10], 256]


class DenebInput(Container):
    new_payload_request: DenebRequest
    witness: ExecutionWitness
    chain_id: uint64
    public_keys: List[ByteVector[65], MANY]


class ElectraInput(Container):
    new_payload_request: ElectraRequest
    witness: ExecutionWitness
    chain_id: uint64
    public_keys: List[ByteVector[65], MANY]


class Result(Container):
    new_payload_request_root: Bytes32
    successful_validation: boolean
    chain_id: uint64
    schema_id: uint16


random.seed(8079)


def value(kind, items):
    """A random value; lists have `items` items at most."""
    if issubclass(kind, Container):
        return kind(**{name: value(sub, items) for name, sub in kind.fields().items()})
    if issubclass(kind, ByteList):
        return kind(random.randbytes(random.randrange(min(items * 40, kind.limit()) + 1)))
    if issubclass(kind, List):
        count = random.randrange(min(items, kind.limit()) + 1)
        return kind(*(value(kind.element_cls(), items) for _ in range(count)))
    size = kind.type_byte_length()
    return kind.decode_bytes(random.randbytes(size))


def vector(schema, kind, items):
    given = value(kind, items)
    root = given.new_payload_request.hash_tree_root()
    chain = given.chain_id
    valid = bool(random.randrange(2))
    result = Result(new_payload_request_root=root, successful_validation=valid, chain_id=chain, schema_id=schema)
    return {
        "input": "0x" + (schema.to_bytes(2, "big") + given.encode_bytes()).hex(),
        "root": "0x" + root.hex(),
        "successful": valid,
        "result": "0x" + result.encode_bytes().hex(),
    }


cases = [
    vector(schema, kind, items)
    for schema, kind in ((0x1001, DenebInput), (0x1101, ElectraInput), (0x1201, ElectraInput), (0x1401, ElectraInput))
    for items in (0, 1, 3, 7)
]
print(json.dumps(cases, indent=1))
