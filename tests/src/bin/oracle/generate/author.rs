//! Writes random code that mostly does something: statements that leave the stack as it was, and an end.

use alloy_primitives::Bytes;
use revm::bytecode::opcode as op;

use super::{cast::Cast, code::Code, dice::Dice};

/// How deep expressions nest.
const DEPTH: u8 = 3;
/// Where a code has become long enough.
const LONG: usize = 700;

#[derive(Debug)]
pub(super) struct Author<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) cast: &'a Cast,
    pub(super) code: Code,
}

impl<'a> Author<'a> {
    pub(super) fn new(dice: &'a mut Dice, cast: &'a Cast) -> Self {
        Self { dice, cast, code: Code::default() }
    }

    /// A code that is called.
    pub(super) fn runtime(mut self) -> Bytes {
        if self.dice.percent(4) {
            let length = self.dice.below(60);
            return self.dice.bytes(length).into();
        }
        let statements = self.dice.within(1, 8);
        self.statements(statements);
        self.end();
        self.code.build()
    }

    /// A code that creates: it does something, then mostly deploys what is in a library.
    pub(super) fn init(mut self) -> Bytes {
        let statements = self.dice.below(4);
        self.statements(statements);
        match self.dice.below(12) {
            0 => self.end(),
            1 => self.deploy_constant(0xef00),
            2 => self.deploy_length(0x6001),
            3 => self.deploy_length(0x6000),
            _ => {
                let library = self.cast.runtime(self.dice);
                self.borrow(library);
                self.code.ops(&[op::PUSH0, op::RETURN]);
            }
        }
        self.code.build()
    }

    pub(super) fn statements(&mut self, number: u64) {
        for _ in 0..number {
            if self.code.len() < LONG {
                self.statement();
            }
        }
    }

    /// Copies the code of a library to the start of memory, and leaves its length on the stack.
    pub(super) fn borrow(&mut self, library: alloy_primitives::Address) {
        self.code.address(library).ops(&[op::EXTCODESIZE, op::DUP1, op::PUSH0, op::PUSH0]);
        self.code.address(library).ops(&[op::EXTCODECOPY]);
    }

    pub(super) fn ops(&mut self, opcodes: &[u8]) {
        self.code.ops(opcodes);
    }

    /// A word, by an expression of any depth.
    pub(super) fn value(&mut self) {
        let depth = u8::try_from(self.dice.below(u64::from(DEPTH))).unwrap_or_default();
        self.expression(depth);
    }

    /// The last instruction.
    fn end(&mut self) {
        match self.dice.below(14) {
            0..=5 => self.ops(&[op::STOP]),
            6..=8 => self.range_end(op::RETURN),
            9..=10 => self.range_end(op::REVERT),
            11 => self.ops(&[op::INVALID]),
            _ => {
                self.name();
                self.code.ops(&[op::SELFDESTRUCT]);
            }
        }
    }

    fn range_end(&mut self, opcode: u8) {
        let (offset, length) = (self.offset(), self.length());
        self.code.number(length).number(offset).ops(&[opcode]);
    }

    /// Deploys two bytes.
    fn deploy_constant(&mut self, bytes: u64) {
        self.code.number(bytes).ops(&[op::PUSH0, op::MSTORE]).number(2).number(30);
        self.code.ops(&[op::RETURN]);
    }

    /// Deploys zeros.
    fn deploy_length(&mut self, length: u64) {
        self.code.number(length).number(0x400).ops(&[op::RETURN]);
    }
}
