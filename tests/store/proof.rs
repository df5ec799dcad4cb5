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

/// Prints it, and writes it where the environment asks for it.
pub(crate) fn write_proof(name: &str, mut proof: Value) {
    proof["commit"] = json!(std::env::var("GSMGATE_PROOF_COMMIT").ok());
    let proof = serde_json::to_string_pretty(&proof).unwrap();
    eprintln!("{proof}");
    if let Some(path) = std::env::var_os(name) {
        std::fs::write(path, proof + "\n").unwrap();
    }
}
