//! Code that leaves one word on the stack.

use alloy_primitives::{Address, U256};
use revm::bytecode::opcode as op;

use super::author::Author;

/// What a context says.
const FACTS: [u8; 20] = [
    op::ADDRESS,
    op::ORIGIN,
    op::CALLER,
    op::CALLVALUE,
    op::CALLDATASIZE,
    op::CODESIZE,
    op::GASPRICE,
    op::RETURNDATASIZE,
    op::COINBASE,
    op::TIMESTAMP,
    op::NUMBER,
    op::DIFFICULTY,
    op::GASLIMIT,
    op::CHAINID,
    op::SELFBALANCE,
    op::BASEFEE,
    op::BLOBBASEFEE,
    op::PC,
    op::MSIZE,
    op::GAS,
];
const UNARY: [u8; 6] = [op::ISZERO, op::NOT, op::CLZ, op::CALLDATALOAD, op::BLOBHASH, op::SLOAD];
const BINARY: [u8; 20] = [
    op::ADD,
    op::MUL,
    op::SUB,
    op::DIV,
    op::SDIV,
    op::MOD,
    op::SMOD,
    op::EXP,
    op::SIGNEXTEND,
    op::LT,
    op::GT,
    op::SLT,
    op::SGT,
    op::EQ,
    op::AND,
    op::OR,
    op::XOR,
    op::BYTE,
    op::SHL,
    op::SAR,
];

impl Author<'_> {
    /// One word, by an expression no deeper than `depth`.
    pub(super) fn expression(&mut self, depth: u8) {
        let Some(deeper) = depth.checked_sub(1) else {
            return self.literal();
        };
        match self.dice.below(20) {
            0..=3 => self.literal(),
            4..=6 => self.any(&FACTS),
            7..=8 => self.applied(&UNARY, 1, deeper),
            9..=12 => self.applied(&BINARY, 2, deeper),
            13 => self.applied(&[op::ADDMOD, op::MULMOD], 3, deeper),
            14 => self.about_an_account(),
            15 => self.slot_of(op::SLOAD),
            16 => self.slot_of(op::TLOAD),
            17 => self.remembered(),
            18 => self.block_hash(),
            _ => self.applied(&[op::SHR], 2, deeper),
        }
    }

    pub(super) fn literal(&mut self) {
        let word = self.dice.word();
        self.code.push(word);
    }

    fn any(&mut self, opcodes: &[u8]) {
        let opcode = self.dice.pick(opcodes);
        self.code.ops(&[opcode]);
    }

    fn applied(&mut self, opcodes: &[u8], arguments: u8, depth: u8) {
        (0..arguments).for_each(|_| self.expression(depth));
        self.any(opcodes);
    }

    fn about_an_account(&mut self) {
        self.name();
        self.any(&[op::BALANCE, op::EXTCODESIZE, op::EXTCODEHASH]);
    }

    fn slot_of(&mut self, opcode: u8) {
        self.slot();
        self.code.ops(&[opcode]);
    }

    fn remembered(&mut self) {
        if self.dice.percent(50) {
            let offset = self.offset();
            self.code.number(offset).ops(&[op::MLOAD]);
        } else {
            let (offset, length) = (self.offset(), self.length());
            self.code.number(length).number(offset).ops(&[op::KECCAK256]);
        }
    }

    /// Of a block near this one, or any.
    fn block_hash(&mut self) {
        let age = match self.dice.below(4) {
            0 => self.dice.below(4),
            1 => self.dice.within(254, 259),
            2 => self.dice.below(300),
            _ => self.dice.roll(),
        };
        self.code.number(age).ops(&[op::NUMBER, op::SUB, op::BLOCKHASH]);
    }

    /// An address on the stack: mostly one of the cast.
    pub(super) fn name(&mut self) {
        if self.dice.percent(5) {
            return self.expression(1);
        }
        let name: Address = self.dice.pick(&self.cast.names);
        self.code.address(name);
    }

    /// A slot on the stack.
    pub(super) fn slot(&mut self) {
        let slot: U256 =
            if self.dice.percent(95) { self.dice.pick(&self.cast.slots) } else { self.dice.word() };
        self.code.push(slot);
    }

    /// Somewhere in memory; far away once in a while, which takes all gas.
    pub(super) fn offset(&mut self) -> u64 {
        if self.dice.percent(1) { self.dice.roll() } else { self.dice.below(200) }
    }

    pub(super) fn length(&mut self) -> u64 {
        match self.dice.below(50) {
            0 => self.dice.roll(),
            1 => self.dice.below(5_000),
            _ => self.dice.below(70),
        }
    }
}
