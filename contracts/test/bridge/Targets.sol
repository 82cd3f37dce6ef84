// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Withdrawal} from "../../src/interfaces/Types.sol";

/// @notice Remembers how it was called; refuses while told to.
contract Witness {
    bool public closed;
    uint256 public calls;
    uint256 public gasGot;
    address public caller;
    address public l2Sender;
    uint256 public value;
    bytes public data;

    function close(bool closed_) external {
        closed = closed_;
    }

    fallback() external payable {
        uint256 got = gasleft();
        require(!closed);
        (gasGot, caller, value, data) = (got, msg.sender, msg.value, msg.data);
        l2Sender = IBridge(msg.sender).sender();
        ++calls;
    }
}

/// @notice Catches that it was given little gas, and calls that a success.
contract Frugal {
    uint256 public got;

    fallback() external payable {
        got = gasleft();
    }
}

/// @notice Writes more and more slots, as whoever likes makes it.
contract Dearer {
    uint256 public slots = 1;
    mapping(uint256 => uint256) private _written;

    function grow(uint256 by) external {
        slots += by;
    }

    receive() external payable {
        for (uint256 i = 0; i < slots; ++i) {
            _written[i] += 1;
        }
    }
}

/// @notice Answers with as much memory as its gas buys, or reverts with it.
contract Bomb {
    bool private immutable FAILS;

    constructor(bool fails) {
        FAILS = fails;
    }

    fallback() external payable {
        bool fails = FAILS;
        assembly {
            // 900,000 bytes cost 1.67 million gas here, and as much again where they are copied to.
            if fails { revert(0, 900000) }
            return(0, 900000)
        }
    }
}

/// @notice Pays the message that it is told, again or another, while it is paid.
contract Reenterer {
    IBridge private immutable BRIDGE;
    bytes private _again;
    bytes public answer;
    bool public succeeded;

    constructor(IBridge bridge) {
        BRIDGE = bridge;
    }

    function set(Withdrawal calldata withdrawal, IBridge.WithdrawalProof calldata proof) external {
        _again = abi.encodeCall(IBridge.withdraw, (withdrawal, proof));
    }

    fallback() external payable {
        (succeeded, answer) = address(BRIDGE).call(_again);
    }
}
