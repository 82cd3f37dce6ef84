//! Execution of a block by many threads, with the result that one thread has.

mod ahead;
mod apart;
mod cells;
mod changes;
mod commit;
mod direct;
mod executor;
mod flat;
mod foreseen;
mod job;
mod light;
mod machine;
mod prepared;
mod publish;
mod record;
mod run;
mod solo;
mod space;
mod table;
mod transfer;
mod tries;
mod versions;
mod view;
mod weight;
mod words;
mod worker;
mod workers;

pub use ahead::ALLOWANCE;
pub use executor::{Parallel, PreparedBody};
pub use flat::{FlatAccount, FlatState, Path, Weighed};
pub use foreseen::Foreseen;
pub use job::{FlatBlock, FlatChange, FlatOutcome, FlatTx, TxEnd};
pub use prepared::Prepared;
pub use space::Failure;
pub use workers::Workers;
