//! Calls of precompiles with inputs that get beyond the first check.

use alloy_primitives::{Address, U256};
use revm::bytecode::opcode as op;

use super::author::Author;

/// Gas that is enough for most.
const ENOUGH: u64 = 200_000;

/// The only length that BLAKE2F takes.
const BLAKE2F_LENGTH: u64 = 213;

impl Author<'_> {
    /// Writes an input to memory, calls, and stores the first word of the output.
    pub(super) fn precompile(&mut self) {
        let (number, input) = self.input();
        for (index, word) in (0_u64..).zip(&input) {
            self.code.push(*word).number(index.saturating_mul(32)).ops(&[op::MSTORE]);
        }
        let whole = u64::try_from(input.len()).unwrap_or_default().saturating_mul(32);
        let whole = if number == 9 { BLAKE2F_LENGTH } else { whole };
        let length = if self.dice.percent(80) { whole } else { self.dice.below(300) };
        let address = Address::from_word(U256::from(number).into());
        self.code.number(64).number(0x200).number(length).ops(&[op::PUSH0]);
        self.code.address(address);
        let gas = if self.dice.percent(85) { ENOUGH } else { self.dice.below(8_000) };
        self.code.number(gas).ops(&[op::STATICCALL]);
        self.outcome();
        self.code.number(0x200).ops(&[op::MLOAD]);
        self.slot();
        self.code.ops(&[op::SSTORE]);
    }

    /// A precompile, and an input for it.
    fn input(&mut self) -> (u64, Vec<U256>) {
        let small = |author: &mut Self, bound| U256::from(author.dice.below(bound));
        match self.dice.below(12) {
            0 => (1, vec![self.dice.word(), U256::from(27), self.dice.word(), self.dice.word()]),
            1 => (1, vec![U256::from(1), small(self, 30), U256::from(2), U256::from(3)]),
            2 => (2, self.words(5)),
            3 => (3, self.words(5)),
            4 => (4, self.words(5)),
            5..=6 => {
                let mut input = vec![small(self, 40), small(self, 40), small(self, 40)];
                input.extend(self.words(4));
                (5, input)
            }
            7 => (6, self.curve_points()),
            8 => {
                let mut input = self.curve_points();
                input.truncate(2);
                input.push(self.dice.word());
                (7, input)
            }
            9 => (8, vec![U256::ZERO; usize::try_from(self.dice.below(8)).unwrap_or_default()]),
            10 => (9, self.blake2f()),
            _ => (self.dice.pick(&[0x0a, 0x0b, 0x0c, 0x0d, 0x0f, 0x10, 0x0100]), self.words(8)),
        }
    }

    fn words(&mut self, most: u64) -> Vec<U256> {
        (0..self.dice.below(most)).map(|_| self.dice.word()).collect()
    }

    /// Few rounds, and at times a final flag that is none.
    fn blake2f(&mut self) -> Vec<U256> {
        let mut input = self.words(7);
        input.resize(7, U256::ZERO);
        if let [first, .., last] = &mut input[..] {
            *first = U256::from(self.dice.below(20)).wrapping_shl(224);
            // Byte 20 of 32.
            *last = U256::from(self.dice.below(3)).wrapping_shl(88);
        }
        input
    }

    /// Two points: at infinity, the generator, or not on the curve at all.
    fn curve_points(&mut self) -> Vec<U256> {
        let points = [(0, 0), (1, 2), (1, 2), (1, 1)];
        let (one, other) = (self.dice.pick(&points), self.dice.pick(&points));
        [one.0, one.1, other.0, other.1].map(|word: u64| U256::from(word)).to_vec()
    }
}
