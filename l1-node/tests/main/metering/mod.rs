//! EXECUTE's price, limit and failures, block by block, through Solidity callers
//! (`contracts/test/support/ExecuteCallers.sol`) and against a model of its own.

mod callers;
mod document;
mod estimates;
mod failures;
mod kinds;
mod limit;
mod model;
mod price;
mod restart;
mod reverts;
mod simulations;
