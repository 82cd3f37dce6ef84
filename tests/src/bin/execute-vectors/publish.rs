//! All vectors, asked of a real L1 node, as files.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Bytes;
use eyre::{bail, ensure};
use recourse_tests::published::{
    CALLS, CallVector, Court, L1, Reason, STATES, StateVector, TRACES, TraceVector, Verdict,
};
use serde::Serialize;

use crate::{
    envelope,
    lies::{self, Truths},
    margins, noops, pieces, scene, tries,
};

/// Every file's name and content.
pub(crate) async fn files() -> eyre::Result<Vec<(&'static str, String)>> {
    let mut truths = Truths::new();
    for piece in pieces::all()?.into_iter().chain(noops::all()?) {
        let name = piece.name;
        let played = piece.play()?;
        ensure!(truths.insert(name, played).is_none(), "two pieces are called {name}");
    }
    let traces = truths.values().map(|played| played.vector()).collect::<eyre::Result<Vec<_>>>()?;
    let calls = calls(&truths).await?;
    Ok(vec![(CALLS, lines(&calls)?), (TRACES, lines(&traces)?), (STATES, states(&traces)?)])
}

async fn calls(truths: &Truths) -> eyre::Result<Vec<CallVector>> {
    let court = Court::open().await?;
    let mut all = Vec::new();
    for (name, played) in truths {
        let description = played.piece.description;
        let meant = (Verdict::True, None);
        let l1 = L1::default();
        all.push(call(&court, name, description, l1, played.input(), meant).await?);
    }
    for shape in tries::shapes()? {
        let input = envelope::encode(shape.pre, shape.post, &shape.trace, 0);
        let (name, description) = (shape.name, shape.description);
        let meant = (Verdict::True, None);
        all.push(call(&court, name, description, L1::default(), input, meant).await?);
    }
    for lie in lies::all(truths)?.into_iter().chain(tries::lies()?) {
        lie.check()?;
        let meant = (Verdict::False, Some(lie.reason));
        let input = lie.input();
        all.push(call(&court, &lie.name, lie.description, lie.l1, input, meant).await?);
    }
    for call_ in margins::all(truths)? {
        let name = format!("l1/{}", call_.name);
        let meant = (call_.verdict, call_.reason);
        all.push(call(&court, &name, call_.description, call_.l1, call_.input, meant).await?);
    }
    let names: BTreeSet<_> = all.iter().map(|call| &call.name).collect();
    ensure!(names.len() == all.len(), "two calls have one name");
    Ok(all)
}

/// Asks, and fails unless the answer is the one meant.
async fn call(
    court: &Court,
    name: &str,
    description: &str,
    l1: L1,
    input: Bytes,
    (result, reason): (Verdict, Option<Reason>),
) -> eyre::Result<CallVector> {
    let answer = court.ask(&l1, &input).await?;
    ensure!(answer.verdict == result, "{name}: {:?} instead of {result:?}", answer.verdict);
    if result == Verdict::Fails && answer.gas != l1.gas_forwarded {
        bail!("{name} fails and takes {} of {}", answer.gas, l1.gas_forwarded);
    }
    Ok(CallVector {
        name: name.to_owned(),
        description: description.to_owned(),
        l1,
        input,
        result,
        reason,
        output: answer.output,
        gas: answer.gas,
        gas_left_after: answer.gas_left_after,
    })
}

fn states(traces: &[TraceVector]) -> eyre::Result<String> {
    let used: BTreeSet<_> = traces.iter().map(|trace| trace.state.as_str()).collect();
    let mut states = BTreeMap::new();
    for name in scene::STATES {
        let accounts = scene::accounts(name)?;
        let root = scene::state(name)?.root();
        let accounts = accounts.iter().map(|(address, account)| (*address, account.into()));
        states.insert(name, StateVector { root, accounts: accounts.collect() });
    }
    ensure!(used.iter().all(|name| states.contains_key(name)), "a state is not published");
    Ok(serde_json::to_string_pretty(&states)? + "\n")
}

/// A JSON array with one vector a line.
fn lines<T: Serialize>(items: &[T]) -> eyre::Result<String> {
    let items = items.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[\n{}\n]\n", items.join(",\n")))
}
