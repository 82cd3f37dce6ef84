//! Why a call reverted, in geth's words: client libraries read the reason out of the text.

use alloy::sol_types::{Panic, Revert, SolError};
use alloy_primitives::U256;

/// The reason in what a call reverted with, with a colon before it: of `Error(string)` and `Panic(uint256)`, which Solidity
/// makes. Nothing for all else: errors that contracts declare are for their callers to decode.
pub(crate) fn reason(output: &[u8]) -> String {
    if let Ok(error) = Revert::abi_decode(output) {
        return format!(": {}", error.reason);
    }
    Panic::abi_decode(output).map(|panic| format!(": {}", panicked(panic.code))).unwrap_or_default()
}

fn panicked(code: U256) -> String {
    let known = match u64::try_from(code) {
        Ok(0x00) => "generic panic",
        Ok(0x01) => "assert(false)",
        Ok(0x11) => "arithmetic underflow or overflow",
        Ok(0x12) => "division or modulo by zero",
        Ok(0x21) => "enum overflow",
        Ok(0x22) => "invalid encoded storage byte array accessed",
        Ok(0x31) => "out-of-bounds array access; popping on an empty array",
        Ok(0x32) => "out-of-bounds access of an array or bytesN",
        Ok(0x41) => "out of memory",
        Ok(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn texts_and_panics_are_told_and_nothing_else() {
        let text = Revert::from("no note").abi_encode();
        assert_eq!(reason(&text), ": no note");
        let panic = |code| Panic { code: U256::from(code) }.abi_encode();
        assert_eq!(reason(&panic(0x11)), ": arithmetic underflow or overflow");
        assert_eq!(reason(&panic(0x99)), ": unknown panic code: 0x99");
        // A custom error, a text without a selector, a cut text, nothing.
        for other in [&hex!("01020304")[..], b"plain text", &text[..40], &[]] {
            assert_eq!(reason(other), "", "{other:?}");
        }
    }
}
