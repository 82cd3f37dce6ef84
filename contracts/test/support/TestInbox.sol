// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Inbox} from "../../src/Inbox.sol";

/// @notice An Inbox that can be told that a new transaction begins: forge runs a whole test in one.
contract TestInbox is Inbox {
    constructor(Config memory configuration) Inbox(configuration) {}

    function nextTransaction() external {
        _appended = false;
    }
}
