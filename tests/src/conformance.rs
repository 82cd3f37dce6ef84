//! The `.io` tests of ethereum/execution-apis: requests, and what a node must answer.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// A file of requests and answers.
#[derive(Debug, Clone)]
pub struct Case {
    /// `METHOD/NAME.io`.
    pub name: String,
    /// Whether only the shape of an answer is told.
    pub shape_only: bool,
    /// Requests and their answers, in order.
    pub exchanges: Vec<(Value, Value)>,
}

impl Case {
    /// The method's folder.
    #[must_use]
    pub fn method(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Reads all cases under a folder, ordered by name.
///
/// # Errors
/// When a file cannot be read or is no exchange of JSON.
pub fn read(folder: &Path) -> io::Result<Vec<Case>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for method in fs::read_dir(folder)? {
        let method = method?.path();
        if method.is_dir() {
            for file in fs::read_dir(method)? {
                files.push(file?.path());
            }
        }
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "io"));
    files.sort();
    files.iter().map(|file| case(folder, file)).collect()
}

fn case(folder: &Path, file: &Path) -> io::Result<Case> {
    let text = fs::read_to_string(file)?;
    let name = file.strip_prefix(folder).unwrap_or(file).display().to_string();
    let mut exchanges = Vec::new();
    let mut request = None;
    for line in text.lines() {
        if let Some(sent) = line.strip_prefix(">>") {
            request = Some(serde_json::from_str::<Value>(sent)?);
        } else if let Some(got) = line.strip_prefix("<<") {
            let request = request.take().ok_or_else(|| io::Error::other("an answer to nothing"))?;
            exchanges.push((request, serde_json::from_str(got)?));
        }
    }
    Ok(Case { name, shape_only: text.contains("speconly:"), exchanges })
}

/// Sends one request as it stands.
///
/// # Errors
/// When there is no answer in JSON.
pub async fn ask(client: &reqwest::Client, url: &str, request: &Value) -> reqwest::Result<Value> {
    client.post(url).json(request).send().await?.json().await
}

/// What differs between an answer and the one that is told, if anything. An error's text is not compared: clients word it
/// as they like.
#[must_use]
pub fn difference(told: &Value, got: &Value, shape_only: bool) -> Option<String> {
    if let Some(error) = told.get("error") {
        let facts = |error: &Value| json!([error.get("code"), error.get("data")]);
        let (told, got) = (facts(error), facts(got.get("error").unwrap_or(&Value::Null)));
        return (told != got).then(|| format!("error: expected {told}, got {got}"));
    }
    if shape_only { shape("", told, got) } else { equal("", told, got) }
}

fn equal(at: &str, told: &Value, got: &Value) -> Option<String> {
    match (told, got) {
        (Value::Object(told), Value::Object(got)) => {
            let all: BTreeMap<&String, ()> =
                told.keys().chain(got.keys()).map(|k| (k, ())).collect();
            all.keys().find_map(|key| {
                let absent = &json!("(absent)");
                let of = |side: &serde_json::Map<String, Value>| {
                    side.get(*key).unwrap_or(absent).clone()
                };
                equal(&format!("{at}.{key}"), &of(told), &of(got))
            })
        }
        (Value::Array(told), Value::Array(got)) if told.len() == got.len() => told
            .iter()
            .zip(got)
            .enumerate()
            .find_map(|(index, (told, got))| equal(&format!("{at}[{index}]"), told, got)),
        _ => (told != got).then(|| format!("{at}: expected {}, got {}", brief(told), brief(got))),
    }
}

/// Every field that is told is there, of the same type; lists are compared by their first entries.
fn shape(at: &str, told: &Value, got: &Value) -> Option<String> {
    match (told, got) {
        (Value::Object(told), Value::Object(got)) => told.iter().find_map(|(key, told)| {
            let at = format!("{at}.{key}");
            got.get(key).map_or_else(|| Some(format!("{at}: absent")), |got| shape(&at, told, got))
        }),
        (Value::Array(told), Value::Array(got)) => {
            let pair = told.first().zip(got.first());
            pair.and_then(|(told, got)| shape(&format!("{at}[0]"), told, got))
        }
        _ => {
            let same = std::mem::discriminant(told) == std::mem::discriminant(got);
            (!same).then(|| format!("{at}: expected {}, got {}", brief(told), brief(got)))
        }
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(90).collect()
}
