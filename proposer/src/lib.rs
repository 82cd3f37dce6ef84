#![doc = include_str!("../README.md")]

pub mod chain;
pub mod journal;
pub mod pool;
pub mod producer;
pub mod sequence;
