//! To be filled.
use crate::gateway::Gateway;
use crate::model::Label;
/// The broker and how to talk to it.
#[derive(Debug, Clone)]
pub struct Config {
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// CA certificates, PEM.
    pub ca: Option<Vec<u8>>,
    /// Client id.
    pub client_id: String,
    /// Keep alive.
    pub keep_alive: std::time::Duration,
}
impl Config {
    /// From a url.
    pub fn new(_url: &str, _name: &Label) -> Result<Config, std::fmt::Error> {
        Err(std::fmt::Error)
    }
    /// Base topic.
    pub fn set_base(&mut self, _base: &str) -> Result<(), std::fmt::Error> {
        Err(std::fmt::Error)
    }
}
/// Runs.
pub async fn run(_config: Config, _gateway: Gateway, _stop: tokio::sync::watch::Receiver<bool>) {}
