// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Where the items of the fixture `tape` stand (test/fixtures/generate.py puts them there).
library Tapes {
    uint32 internal constant PAYLOAD = 126_976;

    uint32 internal constant OPEN = 0; // timestamp 1,800,000,050, view 1
    uint32 internal constant OPEN_LOWEST = 13; // both 0
    uint32 internal constant OPEN_HIGHEST = 26; // both at their maximum; lies in two elements
    uint32 internal constant HELLO = 39; // TX "hello"
    uint32 internal constant LONG = 48; // TX of the bytes 1 to 70; lies in three elements
    uint32 internal constant EMPTY = 122; // TX of no bytes
    uint32 internal constant END = 126;
    uint32 internal constant UNKNOWN = 127; // kind 3
    uint32 internal constant UNKNOWN_TOO = 128; // kind 255
    uint32 internal constant SPLIT = PAYLOAD - 36; // TX of 8 bytes; lies in the last two elements
    uint32 internal constant LAST_TX = PAYLOAD - 26; // TX of 22 bytes, ends with the payload
    uint32 internal constant CUT_BODY = PAYLOAD - 17; // TX that is one byte too long
    uint32 internal constant LAST_OPEN = PAYLOAD - 13; // timestamp 7, view 0x20001, ends with the payload
    uint32 internal constant CUT_TX = PAYLOAD - 3; // TX without the last byte of its length
    uint32 internal constant CUT_OPEN = PAYLOAD - 1; // OPEN of one byte
}
