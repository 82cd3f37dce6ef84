"""Prints a blob with the cell proofs of EIP-7594, by web3.py's library, for the clients that can't make them."""

import json

from eth_account.typed_transactions.base import Blob, BlobPooledTransactionData
from hexbytes import HexBytes

# Behind a zero, so that the first element is below the modulus.
DATA = (b"\0" + b"what a client keeps in a blob").ljust(131_072, b"\0")
made = BlobPooledTransactionData(blobs=[Blob(data=HexBytes(DATA))])
print(
    json.dumps(
        {
            "data": "0x" + DATA.hex(),
            "commitment": made.commitments[0].data.to_0x_hex(),
            "proofs": [proof.data.to_0x_hex() for proof in made.cell_proofs],
            "versionedHash": made.versioned_hashes[0].data.to_0x_hex(),
        }
    )
)
