//! Calls and creations.

use revm::bytecode::opcode as op;

use super::author::Author;

impl Author<'_> {
    /// A call of any kind. Whether it succeeded is stored, dropped, or a reason to give up.
    pub(super) fn call(&mut self) {
        self.output_and_input();
        let kind = self.dice.pick(&[
            op::CALL,
            op::CALL,
            op::CALL,
            op::CALLCODE,
            op::DELEGATECALL,
            op::STATICCALL,
        ]);
        if matches!(kind, op::CALL | op::CALLCODE) {
            self.amount();
        }
        if self.dice.percent(10) {
            self.ops(&[op::ADDRESS])
        } else {
            self.name()
        }
        self.gas();
        self.code.ops(&[kind]);
        self.outcome();
    }

    /// A creation. The new contract is stored, dropped, or called at once.
    pub(super) fn create(&mut self) {
        let second = self.dice.percent(60);
        if second {
            let salt = self.dice.below(2);
            self.code.number(salt);
        }
        let library = self.cast.init(self.dice);
        self.borrow(library);
        self.code.ops(&[op::PUSH0]);
        self.amount();
        self.code.ops(&[if second { op::CREATE2 } else { op::CREATE }]);
        if self.dice.percent(50) {
            return self.outcome();
        }
        // The address is on the stack: the call's arguments come before it.
        self.code.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0]);
        self.code.ops(&[op::DUP6]);
        self.gas();
        self.code.ops(&[op::CALL, op::POP]);
        self.outcome();
    }

    /// Lengths and offsets of what comes back and of what goes in.
    fn output_and_input(&mut self) {
        for _ in 0..2 {
            let (offset, length) = (self.offset(), self.length());
            self.code.number(length).number(offset);
        }
    }

    fn amount(&mut self) {
        match self.dice.below(10) {
            0..=5 => self.ops(&[op::PUSH0]),
            6..=8 => {
                let wei = self.dice.below(4);
                self.code.number(wei);
            }
            _ => self.value(),
        }
    }

    fn gas(&mut self) {
        match self.dice.below(10) {
            0..=4 => self.ops(&[op::GAS]),
            5..=8 => {
                let gas = self.dice.below(200_000);
                self.code.number(gas);
            }
            _ => self.value(),
        }
    }

    /// What to do with the word on the stack.
    pub(super) fn outcome(&mut self) {
        match self.dice.below(10) {
            0..=4 => self.ops(&[op::POP]),
            5..=7 => {
                self.slot();
                self.code.ops(&[op::SSTORE]);
            }
            8 => {
                let over = self.code.jump(op::JUMPI);
                self.code.ops(&[op::RETURNDATASIZE, op::PUSH0, op::PUSH0, op::RETURNDATACOPY]);
                self.code.ops(&[op::RETURNDATASIZE, op::PUSH0, op::REVERT]);
                self.code.land(over);
            }
            _ => {
                self.code.ops(&[op::POP, op::RETURNDATASIZE]);
                self.slot();
                self.code.ops(&[op::SSTORE]);
            }
        }
    }
}
