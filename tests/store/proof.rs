//! What long random tests are told by the environment, and where they leave their proof.

use serde_json::{Value, json};

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// A folder whose syncs cost nothing, where there is one: what is tested here is not the disk.
pub(crate) fn memory() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Prints it, and adds it to the file that the environment asks for.
pub(crate) fn write_proof(name: &str, proof: Value) {
    eprintln!("{proof:#}");
    let Some(path) = std::env::var_os(name) else { return };
    let before = std::fs::read_to_string(&path).ok();
    let mut all = before.map_or(json!({}), |text| serde_json::from_str(&text).unwrap());
    all["commit"] = json!(std::env::var("GSMGATE_PROOF_COMMIT").ok());
    all.as_object_mut().unwrap().extend(proof.as_object().unwrap().clone());
    std::fs::write(path, format!("{all:#}\n")).unwrap();
}
