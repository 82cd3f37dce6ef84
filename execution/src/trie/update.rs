use std::sync::Arc;

use alloy_trie::Nibbles;

use super::{Children, Kind, Link, Node, Nodes, Place, TrieError, Value, decode, pass};

/// The longest key.
const MAX_NIBBLES: usize = 64;

/// `link` with `value` under `key`.
pub(super) fn insert<V: Value>(
    link: Link<V>,
    place: Place,
    key: Nibbles,
    value: V,
    nodes: &mut impl Nodes<V>,
) -> Result<Link<V>, TrieError> {
    let Some(kind) = take(link, place, nodes)? else {
        return Ok(leaf(key, value));
    };
    match kind {
        Kind::Leaf { path, .. } if path == key => Ok(leaf(key, value)),
        Kind::Leaf { path, value: other } => {
            let (shared, mut children, mut own) = fork(&path, &key);
            place_leaf(&mut children, &mut own, &path, shared, other);
            place_leaf(&mut children, &mut own, &key, shared, value);
            extend(key.slice(..shared), branch(children, own))
        }
        Kind::Extension { path, child } if key.starts_with(&path) => {
            let rest = key.slice(path.len()..);
            let child = insert(child, Place::Inner, rest, value, nodes)?;
            extend(path, child)
        }
        Kind::Extension { path, child } => {
            let (shared, mut children, mut own) = fork(&path, &key);
            if let Some(nibble) = path.get(shared) {
                let below = extend(path.slice(shared.saturating_add(1)..), child)?;
                children.set(nibble, below);
            }
            place_leaf(&mut children, &mut own, &key, shared, value);
            extend(key.slice(..shared), branch(children, own))
        }
        Kind::Branch { mut children, value: own } => {
            let Some(nibble) = key.first() else {
                return Ok(branch(children, Some(value)));
            };
            let child = children.take(nibble);
            let child = insert(child, Place::Inner, key.slice(1..), value, nodes)?;
            children.set(nibble, child);
            Ok(branch(children, own))
        }
    }
}

/// `link` without `key`, which is known to be in it.
pub(super) fn remove<V: Value>(
    link: Link<V>,
    place: Place,
    key: Nibbles,
    nodes: &mut impl Nodes<V>,
) -> Result<Link<V>, TrieError> {
    let Some(kind) = take(link, place, nodes)? else {
        return Ok(Link::Empty);
    };
    match kind {
        Kind::Leaf { .. } => Ok(Link::Empty),
        Kind::Extension { path, child } => {
            if !key.starts_with(&path) {
                return Err(TrieError::Malformed("a removed key is absent"));
            }
            let rest = key.slice(path.len()..);
            let child = remove(child, Place::Inner, rest, nodes)?;
            extend(path, child)
        }
        Kind::Branch { mut children, value } => {
            let Some(nibble) = key.first() else {
                return collapse(children, None, nodes);
            };
            let child = children.take(nibble);
            let child = remove(child, Place::Inner, key.slice(1..), nodes)?;
            children.set(nibble, child);
            collapse(children, value, nodes)
        }
    }
}

/// A branch that lost something: still a branch while two ways lead on, else what is left of it.
fn collapse<V: Value>(
    mut children: Children<V>,
    value: Option<V>,
    nodes: &mut impl Nodes<V>,
) -> Result<Link<V>, TrieError> {
    let mut left = children.nibbles();
    match (left.next(), left.next(), value) {
        (None, _, None) => Ok(Link::Empty),
        (None, _, Some(value)) => Ok(leaf(Nibbles::new(), value)),
        (Some(nibble), None, None) => {
            let sibling = children.take(nibble);
            // What the sibling is decides the shape: a blinded one must be resolved.
            let mut path = Nibbles::new();
            path.push(nibble);
            extend(path, resolve(sibling, nodes)?)
        }
        (_, _, value) => Ok(branch(children, value)),
    }
}

/// `child` behind a run of nibbles, in canonical form: runs merge with the leaf or extension that follows.
pub(super) fn extend<V: Value>(path: Nibbles, child: Link<V>) -> Result<Link<V>, TrieError> {
    if path.is_empty() {
        return Ok(child);
    }
    let Link::Node(node) = &child else {
        return Ok(match child {
            Link::Empty => Link::Empty,
            blinded => link(Kind::Extension { path, child: blinded }),
        });
    };
    Ok(match node.kind() {
        Kind::Leaf { path: rest, value } => leaf(join(&path, rest)?, value.clone()),
        Kind::Extension { path: rest, child: below } => {
            link(Kind::Extension { path: join(&path, rest)?, child: below.clone() })
        }
        Kind::Branch { .. } => link(Kind::Extension { path, child }),
    })
}

/// Nodes of a hostile witness can hold more nibbles than a key has.
fn join(head: &Nibbles, tail: &Nibbles) -> Result<Nibbles, TrieError> {
    if head.len().saturating_add(tail.len()) > MAX_NIBBLES {
        return Err(TrieError::Malformed("a path of more than 64 nibbles"));
    }
    Ok(head.join(tail))
}

type Fork<V> = (usize, Children<V>, Option<V>);

fn fork<V>(one: &Nibbles, other: &Nibbles) -> Fork<V> {
    (one.common_prefix_length(other), Children::with_capacity(2), None)
}

/// Hangs a value into a new branch that lies `depth` nibbles into `key`.
fn place_leaf<V: Value>(
    children: &mut Children<V>,
    own: &mut Option<V>,
    key: &Nibbles,
    depth: usize,
    value: V,
) {
    match key.get(depth) {
        Some(nibble) => children.set(nibble, leaf(key.slice(depth.saturating_add(1)..), value)),
        None => *own = Some(value),
    }
}

/// The node of a link, in memory.
fn resolve<V: Value>(link: Link<V>, nodes: &mut impl Nodes<V>) -> Result<Link<V>, TrieError> {
    match &link {
        Link::Empty => {}
        Link::Hash(hash) => {
            let node = Node::decode(*hash, nodes.resolve(*hash, Place::Inner)?)?;
            return Ok(Link::Node(Arc::new(node)));
        }
        Link::Node(node) => pass(node, Place::Inner, nodes)?,
    }
    Ok(link)
}

/// What the node of a link holds, ready to be changed.
fn take<V: Value>(
    link: Link<V>,
    place: Place,
    nodes: &mut impl Nodes<V>,
) -> Result<Option<Kind<V>>, TrieError> {
    Ok(match link {
        Link::Empty => None,
        Link::Hash(hash) => Some(decode::kind(nodes.resolve(hash, place)?)?),
        Link::Node(node) => {
            pass(&node, place, nodes)?;
            Some(Node::take_kind(node))
        }
    })
}

fn leaf<V>(path: Nibbles, value: V) -> Link<V> {
    link(Kind::Leaf { path, value })
}

fn branch<V>(children: Children<V>, value: Option<V>) -> Link<V> {
    link(Kind::Branch { children, value })
}

fn link<V>(kind: Kind<V>) -> Link<V> {
    Link::Node(Arc::new(Node::dirty(kind)))
}
