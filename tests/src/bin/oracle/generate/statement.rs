//! Code that leaves the stack as it was.

use revm::bytecode::opcode as op;

use super::author::Author;

impl Author<'_> {
    pub(super) fn statement(&mut self) {
        match self.dice.below(30) {
            0..=5 => self.store(op::SSTORE),
            6..=8 => self.burst(),
            9 => self.store(op::TSTORE),
            10..=12 => self.remember(),
            13..=14 => self.log(),
            15..=16 => self.copy(),
            17..=21 => self.call(),
            22..=23 => self.create(),
            24 => self.precompile(),
            25..=26 => self.branch(),
            27 => self.churn(),
            28 => self.early_end(),
            _ => self.stack_work(),
        }
    }

    fn store(&mut self, opcode: u8) {
        self.value();
        self.slot();
        self.code.ops(&[opcode]);
    }

    /// Many slots: set, set again, cleared.
    fn burst(&mut self) {
        for _ in 0..self.dice.within(2, 10) {
            let value = if self.dice.percent(50) { 0 } else { self.dice.below(5) };
            self.code.number(value);
            self.slot();
            self.code.ops(&[op::SSTORE]);
        }
    }

    fn remember(&mut self) {
        self.value();
        let (offset, opcode) =
            (self.offset(), self.dice.pick(&[op::MSTORE, op::MSTORE, op::MSTORE8]));
        self.code.number(offset).ops(&[opcode]);
    }

    fn log(&mut self) {
        let topics = self.dice.below(5);
        (0..topics).for_each(|_| self.value());
        let (offset, length) = (self.offset(), self.length());
        let topics = u8::try_from(topics).unwrap_or_default();
        self.code.number(length).number(offset).ops(&[op::LOG0.saturating_add(topics)]);
    }

    fn copy(&mut self) {
        let (to, from, length) = (self.offset(), self.offset(), self.length());
        self.code.number(length).number(from).number(to);
        match self.dice.below(8) {
            0..=1 => self.ops(&[op::CALLDATACOPY]),
            2 => self.ops(&[op::CODECOPY]),
            3..=4 => self.ops(&[op::MCOPY]),
            5 => self.ops(&[op::RETURNDATACOPY]),
            _ => {
                self.name();
                self.code.ops(&[op::EXTCODECOPY]);
            }
        }
    }

    /// Statements that are run or not, by the calldata or by any word.
    fn branch(&mut self) {
        self.value();
        let over = self.code.jump(op::JUMPI);
        let statements = self.dice.within(1, 2);
        self.statements(statements);
        self.code.land(over);
    }

    /// A loop over a few slots in a row.
    fn churn(&mut self) {
        let (times, base, clear) =
            (self.dice.within(1, 12), self.dice.below(40), self.dice.percent(40));
        self.code.number(times);
        let start = self.code.label();
        if clear {
            self.code.ops(&[op::PUSH0, op::DUP2]);
        } else {
            self.code.ops(&[op::DUP1, op::DUP1]);
        }
        self.code.number(base).ops(&[op::ADD, op::SSTORE]);
        self.code.number(1).ops(&[op::SWAP1, op::SUB, op::DUP1]).number(start);
        self.code.ops(&[op::JUMPI, op::POP]);
    }

    /// Ends here, by the calldata.
    fn early_end(&mut self) {
        let word = self.dice.below(3).saturating_mul(32);
        self.code.number(word).ops(&[op::CALLDATALOAD]);
        let over = self.code.jump(op::JUMPI);
        let end = self.dice.pick(&[op::REVERT, op::RETURN, op::REVERT]);
        self.code.number(32).ops(&[op::PUSH0, end]);
        self.code.land(over);
    }

    /// Words that come and go; the order of some is seen.
    fn stack_work(&mut self) {
        let words = self.dice.within(2, 17);
        (0..words).for_each(|_| self.literal());
        let depth = u8::try_from(self.dice.below(words)).unwrap_or_default().min(15);
        self.code.ops(&[op::DUP1.saturating_add(depth)]);
        let swap = u8::try_from(self.dice.below(words)).unwrap_or_default().min(15);
        self.code.ops(&[op::SWAP1.saturating_add(swap)]);
        self.slot();
        self.code.ops(&[op::SSTORE]);
        (0..words).for_each(|_| self.ops(&[op::POP]));
    }
}
