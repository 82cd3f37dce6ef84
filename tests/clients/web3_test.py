"""web3.py: HTTPProvider, WebSocketProvider and local accounts; proofs by py-trie."""

import asyncio
import json
import os
import unittest

import rlp
from eth_account import Account
from trie import HexaryTrie
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import (
    BlockNotFound,
    ContractCustomError,
    ContractLogicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.utils.subscriptions import LogsSubscription, NewHeadsSubscription

with open(os.environ["TILL"], encoding="utf8") as file:
    TILL = json.load(file)
ONE = 10**9


def proven(root, key, nodes):
    """What a Merkle proof shows at a key, decoded; None if it shows that there is nothing."""
    leaf = HexaryTrie.get_from_proof(root, Web3.keccak(key), [rlp.decode(node) for node in nodes])
    return rlp.decode(leaf) if leaf else None


class Chain:
    """What L1 and L2 have in common."""

    variable: str

    @classmethod
    def setUpClass(cls):
        cls.url = os.environ[cls.variable]
        cls.w3 = Web3(HTTPProvider(cls.url, request_kwargs={"timeout": 120}))
        cls.account = cls.w3.eth.account.from_key(os.environ["KEY"])
        creation = cls.w3.eth.contract(abi=TILL["abi"], bytecode=TILL["bytecode"]).constructor()
        receipt = cls.send(creation.build_transaction(cls.fields()))
        cls.till = cls.w3.eth.contract(address=receipt["contractAddress"], abi=TILL["abi"])

    @classmethod
    def fields(cls, **others):
        nonce = cls.w3.eth.get_transaction_count(cls.account.address, "pending")
        return {"from": cls.account.address, "nonce": nonce, "chainId": cls.w3.eth.chain_id, **others}

    @classmethod
    def raw(cls, transaction, **others):
        transaction = {name: value for name, value in transaction.items() if name != "from"}
        signed = cls.account.sign_transaction(transaction, **others)
        return cls.w3.eth.send_raw_transaction(signed.raw_transaction)

    @classmethod
    def send(cls, transaction, status=1, **others):
        sent = cls.raw(transaction, **others)
        receipt = cls.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.1)
        assert receipt["status"] == status, receipt
        return receipt

    def pay(self, note, **others):
        return self.till.functions.pay(note).build_transaction(self.fields(value=ONE, **others))

    def test_reads_estimates_and_pays_what_it_estimated(self):
        before = self.till.functions.paid(self.account.address).call()
        gas = self.till.functions.pay("web3.py").estimate_gas({"from": self.account.address, "value": ONE})
        receipt = self.send(self.pay("web3.py", gas=gas))
        self.assertLessEqual(receipt["gasUsed"], gas)
        self.assertEqual(self.till.functions.paid(self.account.address).call(), before + ONE)

    def test_sends_types_0_1_and_2(self):
        price = {"gasPrice": self.w3.eth.gas_price * 2}
        used = [{"address": self.till.address, "storageKeys": ["0x" + "00" * 32]}]
        for kind, fields in [(0, price), (1, {**price, "accessList": used}), (2, {})]:
            with self.subTest(kind=kind):
                receipt = self.send(self.pay(f"type {kind}", **fields))
                found = self.w3.eth.get_transaction(receipt["transactionHash"])
                self.assertEqual((receipt["type"], found["type"]), (kind, kind))
                block = self.w3.eth.get_block(receipt["blockHash"], full_transactions=True)
                self.assertIn(found, block["transactions"])

    def test_sends_type_4_an_account_that_acts_as_a_contract(self):
        authority = Account.create()
        authorization = authority.sign_authorization(
            {"chainId": self.w3.eth.chain_id, "address": self.till.address, "nonce": 0}
        )
        call = self.w3.eth.contract(address=authority.address, abi=TILL["abi"]).functions.pay("as a contract")
        fields = self.fields(value=ONE, gas=500_000, authorizationList=[authorization])
        receipt = self.send(call.build_transaction(fields))
        self.assertEqual((receipt["type"], receipt["logs"][0]["address"]), (4, authority.address))
        code = self.w3.eth.get_code(authority.address).hex()
        self.assertEqual(code, "ef0100" + self.till.address[2:].lower())
        found = self.w3.eth.get_transaction(receipt["transactionHash"])
        self.assertEqual(found["authorizationList"][0]["address"], self.till.address)

    def test_reads_the_fee_history(self):
        history = self.w3.eth.fee_history(3, "latest", [10, 90])
        self.assertEqual(len(history["baseFeePerGas"]), len(history["gasUsedRatio"]) + 1)
        self.assertEqual(len(history["reward"]), len(history["gasUsedRatio"]))
        self.assertGreaterEqual(self.w3.eth.max_priority_fee, 0)

    def test_finds_logs_and_polls_a_filter(self):
        filter = self.till.events.Paid.create_filter(from_block="latest")
        filter.get_new_entries()
        receipt = self.send(self.pay("looked for"))
        (log,) = filter.get_new_entries()
        self.assertEqual(dict(log["args"]), {"payer": self.account.address, "amount": ONE, "note": "looked for"})
        found = self.till.events.Paid.get_logs(
            from_block=receipt["blockNumber"], argument_filters={"payer": self.account.address}
        )
        self.assertEqual(list(found), [log])
        self.assertTrue(self.w3.eth.uninstall_filter(filter.filter_id))

    def test_verifies_a_proof_of_an_account_and_its_storage(self):
        self.send(self.pay("proven"))
        block = self.w3.eth.get_block("latest")
        at = {"block_identifier": block["number"]}
        payer = bytes(12) + bytes.fromhex(self.account.address[2:])
        wanted = {
            bytes(32): self.till.functions.total().call(**at),
            bytes(Web3.keccak(payer + (2).to_bytes(32))): self.till.functions.paid(self.account.address).call(**at),
            (0x77).to_bytes(32): 0,
        }
        proof = self.w3.eth.get_proof(self.till.address, list(map(Web3.to_hex, wanted)), block["number"])
        address = bytes.fromhex(self.till.address[2:])
        nonce, balance, root, code_hash = proven(block["stateRoot"], address, proof["accountProof"])
        self.assertEqual(int.from_bytes(nonce), 1)
        self.assertEqual(int.from_bytes(balance), self.w3.eth.get_balance(self.till.address, block["number"]))
        self.assertEqual(code_hash, Web3.keccak(self.w3.eth.get_code(self.till.address)))
        for (slot, value), shown in zip(wanted.items(), proof["storageProof"], strict=True):
            self.assertEqual(int.from_bytes(proven(root, slot, shown["proof"]) or b""), value)

    def test_hears_of_heads_and_logs_over_websocket(self):
        async def listen():
            async with AsyncWeb3(WebSocketProvider(self.url.replace("http", "ws"))) as w3:
                heard = {}

                async def handler(context):
                    heard[context.subscription.label] = context.result
                    if len(heard) == 2:
                        await w3.subscription_manager.unsubscribe_all()

                topic = self.till.events.Paid().topic
                logs = LogsSubscription(address=self.till.address, topics=[topic], handler=handler, label="log")
                heads = NewHeadsSubscription(handler=handler, label="head")
                await w3.subscription_manager.subscribe([heads, logs])
                receipt = await asyncio.to_thread(self.send, self.pay("heard"))
                await asyncio.wait_for(w3.subscription_manager.handle_subscriptions(), 60)
                return receipt, heard

        receipt, heard = asyncio.run(listen())
        self.assertEqual(heard["log"]["transactionHash"], receipt["transactionHash"])
        self.assertLessEqual(heard["head"]["number"], receipt["blockNumber"])

    def test_decodes_why_a_call_reverts(self):
        fields = {"from": self.account.address}
        with self.assertRaisesRegex(ContractLogicError, "execution reverted: no note"):
            self.till.functions.pay("").call({**fields, "value": ONE})
        with self.assertRaises(ContractCustomError) as refused:
            self.till.functions.pay("little").estimate_gas({**fields, "value": 1})
        selector = Web3.keccak(text="TooLittle(uint256,uint256)")[:4]
        expected = selector + self.w3.codec.encode(["uint256", "uint256"], [1, ONE])
        self.assertEqual(refused.exception.data, Web3.to_hex(expected))
        self.send(self.till.functions.pay("").build_transaction(self.fields(gas=100_000)), status=0)

    def test_knows_why_a_transaction_is_refused(self):
        plain = {"to": self.account.address, "gas": 21_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1}
        for message, code, fields in [
            ("insufficient funds", -32000, {"value": 10**24}),
            ("nonce too low", -32000, {"nonce": 0}),
            ("intrinsic gas too low", -32000, {"gas": 20_999}),
        ]:
            with self.subTest(message=message), self.assertRaisesRegex(Web3RPCError, message) as refused:
                self.raw({**self.fields(), **plain, **fields})
            self.assertEqual(refused.exception.rpc_response["error"]["code"], code)

    def test_is_served_blocks_by_their_tags_and_errors_for_what_is_unknown(self):
        for tag in ["earliest", "finalized", "safe", "latest", "pending"]:
            self.assertIsNotNone(self.w3.eth.get_block(tag))
        with self.assertRaises(BlockNotFound):
            self.w3.eth.get_block(1_000_000)
        with self.assertRaises(TransactionNotFound):
            self.w3.eth.get_transaction(bytes(31) + b"\x01")


class L1(Chain, unittest.TestCase):
    variable = "L1"

    def test_sends_type_3_a_blob_with_cell_proofs(self):
        with open(os.environ["BLOB"], encoding="utf8") as file:
            blob = json.load(file)
        fee = int(self.w3.provider.make_request("eth_blobBaseFee", [])["result"], 16)
        call = self.till.functions.keepBlob()
        fields = self.fields(gas=200_000, type=3, maxFeePerGas=10**10, maxPriorityFeePerGas=1, maxFeePerBlobGas=fee * 2)
        fields["blobVersionedHashes"] = [blob["versionedHash"]]
        receipt = self.send(call.build_transaction(fields), blobs=[bytes.fromhex(blob["data"][2:])])
        self.assertEqual((receipt["type"], receipt["blobGasUsed"]), (3, 131_072))
        self.assertEqual(self.till.functions.blob().call().hex(), blob["versionedHash"][2:])
        found = self.w3.eth.get_transaction(receipt["transactionHash"])
        self.assertEqual([hash.to_0x_hex() for hash in found["blobVersionedHashes"]], [blob["versionedHash"]])


class L2(Chain, unittest.TestCase):
    variable = "L2"


if __name__ == "__main__":
    unittest.main()
