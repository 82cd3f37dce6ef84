"""The other opinion on a block: the Python execution specs (EELS), Osaka.

Reads one JSON case a line, answers with one line. A case is what `tests/src/bin/oracle/case.rs` writes. The answer has the
root after the opening, after each transaction with the gas and the receipts so far, and after the credits; the state at the
end when it is asked for. The functions called are those that `ethereum-spec-evm t8n` calls, one transaction at a time; then
t8n itself runs the block of all transactions that were valid, and must agree.
"""

import io
import json
import logging
import sys
import threading

from ethereum_rlp import exceptions as rlp_exceptions
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes32
from ethereum_types.numeric import U64, U256, Uint

from ethereum.crypto.hash import Hash32, keccak256
from ethereum.exceptions import EthereumException
from ethereum.forks.osaka import fork, state as states, vm
from ethereum.forks.osaka.blocks import Withdrawal
from ethereum.forks.osaka.fork_types import Account, Address
from ethereum.forks.osaka.transactions import (
    LegacyTransaction,
    decode_transaction,
)
from ethereum.forks.osaka.trie import copy_trie, root
from ethereum_spec_tools.evm_tools import main as evm_tool
from ethereum_spec_tools.evm_tools.t8n import ForkCache

# Reaches the call depth of 1,024 with the specs' recursion.
STACK = 512 << 20


class Rejected(Exception):
    """The transaction is invalid."""


def data(text):
    return bytes.fromhex(text[2:])


def number(text):
    return int(text, 16)


def address(text):
    return Address(data(text))


def shown(value):
    return "0x" + bytes(value).hex()


def state_of(alloc):
    state = states.State()
    for key, account in alloc.items():
        who = address(key)
        states.set_account(
            state,
            who,
            Account(
                Uint(number(account["nonce"])),
                U256(number(account["balance"])),
                data(account["code"]),
            ),
        )
        for slot, value in account["storage"].items():
            slot = Bytes32(number(slot).to_bytes(32, "big"))
            states.set_storage(state, who, slot, U256(number(value)))
    return state


def alloc_of(state):
    alloc = {}
    for who, account in state._main_trie._data.items():
        storage = state._storage_tries.get(who)
        alloc[shown(who)] = {
            "nonce": hex(account.nonce),
            "balance": hex(account.balance),
            "code": shown(account.code),
            "storage": {}
            if storage is None
            else {
                hex(int.from_bytes(slot, "big")): hex(value)
                for slot, value in storage._data.items()
            },
        }
    return alloc


def block_environment(case, state):
    block = case["block"]
    return vm.BlockEnvironment(
        chain_id=U64(number(case["chain_id"])),
        state=state,
        block_gas_limit=Uint(number(block["gas_limit"])),
        block_hashes=[Hash32(data(each)) for each in case["block_hashes"]],
        coinbase=address(block["coinbase"]),
        number=Uint(number(block["number"])),
        base_fee_per_gas=Uint(number(block["base_fee"])),
        time=U256(number(block["timestamp"])),
        prev_randao=Bytes32(data(block["prev_randao"])),
        excess_blob_gas=U64(0),
        parent_beacon_block_root=Hash32(data(block["anchor"])),
    )


def decoded(raw, chain_id):
    """A transaction from the bytes that a tape or a block body has."""
    try:
        if raw[:1] >= b"\xc0":
            return rlp.decode_to(LegacyTransaction, raw)
        tx = decode_transaction(raw)
    except (EthereumException, rlp_exceptions.RLPException, IndexError) as error:
        # No bytes at all are an IndexError.
        raise Rejected(repr(error)) from error
    if tx.chain_id != chain_id:
        # This version of the specs forgets to look (EIP-2930, EIP-1559, EIP-7702 say that it must be the chain's).
        raise Rejected("chain id")
    return tx


def open_block(env):
    """As `apply_body` begins."""
    for target, word in (
        (fork.BEACON_ROOTS_ADDRESS, env.parent_beacon_block_root),
        (fork.HISTORY_STORAGE_ADDRESS, env.block_hashes[-1]),
    ):
        fork.process_unchecked_system_transaction(
            block_env=env, target_address=target, data=word
        )


def transact(env, output, raw, index):
    """Runs a transaction; if it is invalid, the state stays, as in t8n."""
    tx = decoded(raw, env.chain_id)
    state = env.state
    kept = (
        copy_trie(state._main_trie),
        {who: copy_trie(trie) for who, trie in state._storage_tries.items()},
    )
    try:
        fork.process_transaction(env, output, tx, Uint(index))
    except EthereumException as error:
        state._main_trie, state._storage_tries = kept
        raise Rejected(repr(error)) from error
    return tx


def withdrawals(case):
    return tuple(
        Withdrawal(
            U64(index),
            U64(0),
            address(credit["to"]),
            U256(number(credit["gwei"])),
        )
        for index, credit in enumerate(case["credits"])
    )


def state_root(state):
    """As `state_root` of the specs, but a storage that stays as it is is hashed once: that takes most of the time."""

    def storage_root(who):
        trie = state._storage_tries.get(who)
        if trie is None:
            return states.storage_root(state, who)
        content = frozenset(trie._data.items())
        if content not in STORAGE_ROOTS:
            STORAGE_ROOTS[content] = states.storage_root(state, who)
        return STORAGE_ROOTS[content]

    return shown(root(state._main_trie, get_storage_root=storage_root))


def standing(env, output):
    return {
        "root": state_root(env.state),
        "gas": int(output.block_gas_used),
        "receipts": shown(root(output.receipts_trie)),
        "logs": shown(keccak256(rlp.encode(output.block_logs))),
    }


def run(case):
    stop = case.get("stop")
    env = block_environment(case, state_of(case["alloc"]))
    STORAGE_ROOTS.clear()
    answer = {"pre": state_root(env.state), "steps": []}
    open_block(env)
    answer["opened"] = state_root(env.state)
    output = vm.BlockOutput()
    included = []
    for raw in map(data, case["transactions"][:stop]):
        step = {"rejected": None}
        try:
            tx = transact(env, output, raw, len(included))
            included.append(raw if not isinstance(tx, LegacyTransaction) else tx)
        except Rejected as why:
            step["rejected"] = str(why)
        answer["steps"].append({**step, **standing(env, output)})
    if stop is not None:
        return {**answer, "alloc": alloc_of(env.state)}
    fork.process_withdrawals(env, output, withdrawals(case))
    answer["sealed"] = standing(env, output)
    check(answer["sealed"], t8n(case, included))
    return answer


def t8n(case, transactions):
    """The block of these transactions, by the tool itself."""
    block = case["block"]
    first = number(block["number"]) - len(case["block_hashes"])
    given = {
        "alloc": case["alloc"],
        "txs": "0x" + rlp.encode(transactions).hex(),
        "env": {
            "currentCoinbase": block["coinbase"],
            "currentGasLimit": block["gas_limit"],
            "currentNumber": block["number"],
            "currentTimestamp": block["timestamp"],
            "currentRandom": block["prev_randao"],
            "currentBaseFee": block["base_fee"],
            "currentExcessBlobGas": "0x0",
            "parentBeaconBlockRoot": block["anchor"],
            "blockHashes": {
                hex(first + index): each
                for index, each in enumerate(case["block_hashes"])
            },
            "withdrawals": [
                {
                    "index": hex(index),
                    "validatorIndex": "0x0",
                    "address": credit["to"],
                    "amount": credit["gwei"],
                }
                for index, credit in enumerate(case["credits"])
            ],
        },
    }
    told = io.StringIO()
    args = [
        "t8n",
        "--input.env=stdin",
        "--input.alloc=stdin",
        "--input.txs=stdin",
        "--output.result=stdout",
        "--output.alloc=stdout",
        "--output.body=stdout",
        "--output.basedir=" + case["scratch"],
        "--state.fork=Osaka",
        "--state.chainid=" + str(number(case["chain_id"])),
    ]
    code = evm_tool(args, told, io.StringIO(json.dumps(given)), FORKS)
    if code != 0:
        raise AssertionError(f"t8n ends with {code}")
    result = json.loads(told.getvalue())["result"]
    if result["rejected"]:
        raise AssertionError(f"t8n rejects {result['rejected']}")
    return {
        "root": result["stateRoot"],
        "gas": number(result["gasUsed"]),
        "receipts": result["receiptsRoot"],
        "logs": result["logsHash"],
    }


def check(steps, tool):
    if steps != tool:
        raise AssertionError(f"one by one {steps}, t8n {tool}")


def serve():
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except Exception as error:
            answer = {"crash": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


FORKS = ForkCache()
STORAGE_ROOTS = {}

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    threading.stack_size(STACK)
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
