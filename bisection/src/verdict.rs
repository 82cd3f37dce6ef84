//! Which contents are true.

use std::collections::{BTreeMap, BTreeSet};

use recourse_protocol::{Content, ContentHash, Game};

use crate::{ClaimRange, Knowledge};

/// What a party thinks of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It and all its ancestors are true.
    True,
    /// Its parent is true, it is not.
    False,
    /// Its parent is not true: nothing about it can be said or proven, and it can't confirm while its parent
    /// does not.
    Moot,
    /// Not derived yet, or derived from another batch than the claimed one: an L1 reorganisation is under way.
    Unknown,
}

/// A party's view of all contents of a game.
#[derive(Debug)]
pub struct Judgement<'a> {
    game: &'a Game,
    verdicts: BTreeMap<ContentHash, Verdict>,
    void: BTreeSet<ContentHash>,
}

impl<'a> Judgement<'a> {
    /// Judges every content.
    #[must_use]
    pub fn of(game: &'a Game, knowledge: &impl Knowledge) -> Self {
        let mut contents: Vec<_> = game.contents.iter().collect();
        // Parents cover older batches, so they come first.
        contents.sort_by_key(|(_, content)| content.batch);
        let mut judged = Self { game, verdicts: BTreeMap::new(), void: game.void() };
        for (id, content) in contents {
            let verdict = judged.judge(content, knowledge);
            judged.verdicts.insert(*id, verdict);
        }
        judged
    }

    /// The verdict on a content.
    #[must_use]
    pub fn verdict(&self, content: ContentHash) -> Verdict {
        self.verdicts.get(&content).copied().unwrap_or(Verdict::Unknown)
    }

    /// Whether a content is void, be it marked so or not.
    #[must_use]
    pub fn is_void(&self, content: ContentHash) -> bool {
        self.void.contains(&content)
    }

    /// Whether moves against or for this content's attempts are still possible.
    #[must_use]
    pub fn is_open(&self, id: ContentHash) -> bool {
        self.game
            .contents
            .get(&id)
            .is_some_and(|c| !c.confirmed && !c.contradicted && !self.is_void(id))
    }

    /// The batches that a content covers.
    #[must_use]
    pub fn range(&self, content: &Content) -> Option<ClaimRange> {
        let parent = self.game.contents.get(&content.parent)?;
        Some(ClaimRange { after: parent.batch, upto: content.batch })
    }

    fn judge(&self, content: &Content, knowledge: &impl Knowledge) -> Verdict {
        let Some(own) = knowledge.boundary(content.batch) else { return Verdict::Unknown };
        if own.batch_hash != content.batch_hash {
            return Verdict::Unknown;
        }
        let Some(parent) = self.game.contents.get(&content.parent) else {
            return if own.checkpoint == content.checkpoint {
                Verdict::True
            } else {
                Verdict::False
            };
        };
        match self.verdict(content.parent) {
            Verdict::True => {}
            Verdict::False | Verdict::Moot => return Verdict::Moot,
            Verdict::Unknown => return Verdict::Unknown,
        }
        let Some(start) = knowledge.boundary(parent.batch) else { return Verdict::Unknown };
        let is_true = own.checkpoint == content.checkpoint
            && own.steps.checked_sub(start.steps) == Some(content.steps);
        if is_true { Verdict::True } else { Verdict::False }
    }
}

/// Whether the contract sees a content as void: by its mark, or by the recorded state of its parent, no further.
#[must_use]
pub fn is_recorded_void(game: &Game, id: ContentHash) -> bool {
    let Some(content) = game.contents.get(&id).filter(|content| !content.confirmed) else {
        return false;
    };
    let Some(parent) = game.contents.get(&content.parent) else { return false };
    let tip = game.contents.get(&game.tip).map(|tip| tip.batch).unwrap_or_default();
    let lost = !parent.confirmed && !game.is_claimed(content.parent) && parent.batch <= tip;
    content.voided || parent.contradicted || parent.voided || lost
}
