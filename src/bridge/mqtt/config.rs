//! How to reach the broker, and under which names.

use super::tls;
use crate::model::Label;
use std::fmt;
use std::time::Duration;

/// The broker and how to talk to it, checked key by key.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) base: String,
    /// User name.
    pub user: Option<String>,
    /// Password; needs a user name.
    pub password: Option<String>,
    /// Certificates that may sign the broker's, in PEM. Default: those of the system.
    pub ca: Option<Vec<u8>>,
    /// Our certificate and its key, in PEM, where the broker asks for them.
    pub identity: Option<Identity>,
    /// The broker keeps our session under it. Default `gsmgate-` and the gateway's name.
    pub client_id: String,
    /// Time between pings when nothing else is said. Default 20 s; a silent link is noticed after half as long again.
    pub keep_alive: Duration,
    /// What events say of what was written. Default full.
    pub content: Content,
}

/// What events say of what people and the network wrote (threat T-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// All of it.
    #[default]
    Full,
    /// Who wrote, when, and how many parts; the text is read on the box.
    Minimal,
}

/// Our certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and what it is signed with, in PEM.
    pub certificate: Vec<u8>,
    /// Its private key, in PEM.
    pub key: Vec<u8>,
}

/// Says how much, never the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} octets of certificate)", self.certificate.len())
    }
}

/// Says where to, never the password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("base", &self.base)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What is wrong with one key of `[mqtt]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ConfigError {
    /// The key.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl Config {
    /// From `mqtt://host[:1883]`, or `mqtts://host[:8883]` for TLS; everything else default.
    pub fn new(url: &str, gateway: &Label) -> Result<Config, ConfigError> {
        let Address { host, port, tls } = address(url)?;
        Ok(Config {
            host,
            port,
            tls,
            base: format!("gsmgate/{gateway}"),
            user: None,
            password: None,
            ca: None,
            identity: None,
            client_id: format!("gsmgate-{gateway}"),
            keep_alive: Duration::from_secs(20),
            content: Content::default(),
        })
    }

    /// Another base topic than `gsmgate/<gateway>`: levels without wildcards, not beginning with `$`.
    pub fn set_base(&mut self, base: &str) -> Result<(), ConfigError> {
        let bad_sign = |c: char| c.is_control() || matches!(c, '+' | '#');
        if !(1..=128).contains(&base.len())
            || base.starts_with('$')
            || base.contains(bad_sign)
            || base.split('/').any(str::is_empty)
        {
            let detail = "must be 1 to 128 octets of topic levels without + and #, and not begin with $ or /";
            return Err(wrong("base", detail));
        }
        base.clone_into(&mut self.base);
        Ok(())
    }

    /// Checks what the keys are together, certificates included.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=64).contains(&self.client_id.len()) || self.client_id.chars().any(char::is_control) {
            return Err(wrong("client_id", "must be 1 to 64 octets without control characters"));
        }
        if self.password.is_some() && self.user.is_none() {
            return Err(wrong("password_file", "needs mqtt.user"));
        }
        if self.password.as_deref() == Some("") {
            return Err(wrong("password_file", "the file is empty"));
        }
        if self.tls {
            return tls::client(self).map(|_| ());
        }
        for (key, is_set) in [("ca_file", self.ca.is_some()), ("cert_file", self.identity.is_some())] {
            if is_set {
                return Err(wrong(key, "is for TLS; write mqtts:// in mqtt.url"));
            }
        }
        Ok(())
    }

    /// True when the password crosses a network in the clear.
    pub(super) fn shows_password(&self) -> bool {
        let loopback = self.host == "localhost" || self.host == "[::1]" || self.host.starts_with("127.");
        self.password.is_some() && !self.tls && !loopback
    }
}

pub(super) fn wrong(key: &'static str, detail: impl Into<String>) -> ConfigError {
    ConfigError { key, detail: detail.into() }
}

struct Address {
    host: String,
    port: u16,
    tls: bool,
}

fn address(url: &str) -> Result<Address, ConfigError> {
    let (rest, tls) = match (url.strip_prefix("mqtt://"), url.strip_prefix("mqtts://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(wrong("url", "must begin with mqtt:// or mqtts://")),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err(wrong("url", "holds a user; write mqtt.user and mqtt.password_file"));
    }
    // The last colon begins the port, unless it stands inside the brackets of an IPv6 address.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port != 0);
            (host, port.ok_or_else(|| wrong("url", "the port must be 1 to 65535"))?)
        }
        _ => (rest, if tls { 8883 } else { 1883 }),
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(wrong("url", "must be a host name or address, then at most a port"));
    }
    Ok(Address { host: host.to_owned(), port, tls })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> Result<Config, ConfigError> {
        Config::new(url, &"pi1".parse().unwrap())
    }

    #[test]
    fn defaults() {
        let config = config("mqtt://localhost").unwrap();
        assert_eq!((config.base.as_str(), config.client_id.as_str()), ("gsmgate/pi1", "gsmgate-pi1"));
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn table_of_urls() {
        for (url, want) in [
            ("mqtt://broker", Ok(("broker", 1883, false))),
            ("mqtt://broker:2883/", Ok(("broker", 2883, false))),
            ("mqtts://broker", Ok(("broker", 8883, true))),
            ("mqtt://10.0.0.1:1", Ok(("10.0.0.1", 1, false))),
            ("mqtt://[::1]", Ok(("[::1]", 1883, false))),
            ("mqtt://[::1]:2883", Ok(("[::1]", 2883, false))),
            ("broker", Err("must begin with mqtt://")),
            ("http://broker", Err("must begin with mqtt://")),
            ("mqtt://", Err("must be a host name")),
            ("mqtt://a:0", Err("the port must be")),
            ("mqtt://a:b", Err("the port must be")),
            ("mqtt://a/b", Err("must be a host name")),
            ("mqtt://a b", Err("must be a host name")),
            ("mqtt://me:secret@a", Err("holds a user")),
        ] {
            match (config(url), want) {
                (Ok(got), Ok(want)) => assert_eq!((got.host.as_str(), got.port, got.tls), want, "{url}"),
                (Err(got), Err(want)) => assert!(got.detail.starts_with(want), "{url}: {got}"),
                (got, _) => panic!("{url}: {got:?}"),
            }
        }
    }

    #[test]
    fn table_of_bases() {
        for (base, fits) in [
            ("sms", true),
            ("a/b/c", true),
            ("", false),
            ("a/#", false),
            ("+/a", false),
            ("$SYS/a", false),
            ("/a", false),
            ("a//b", false),
            ("a/", false),
            ("a\0", false),
        ] {
            assert_eq!(config("mqtt://a").unwrap().set_base(base).is_ok(), fits, "{base:?}");
        }
    }

    #[test]
    fn what_does_not_fit_together() {
        let pem = || Some(b"nothing".to_vec());
        let identity = || Some(Identity { certificate: b"x".to_vec(), key: b"y".to_vec() });
        let (plain, secure) = (config("mqtt://a").unwrap(), config("mqtts://a").unwrap());
        for (config, key) in [
            (Config { client_id: String::new(), ..plain.clone() }, "client_id"),
            (Config { password: Some("p".into()), ..plain.clone() }, "password_file"),
            (Config { user: Some("u".into()), password: Some(String::new()), ..plain.clone() }, "password_file"),
            (Config { ca: pem(), ..plain.clone() }, "ca_file"),
            (Config { identity: identity(), ..plain.clone() }, "cert_file"),
            (Config { ca: pem(), ..secure.clone() }, "ca_file"),
            (Config { identity: identity(), ..secure.clone() }, "ca_file"),
        ] {
            assert_eq!(config.check().unwrap_err().key, key, "{config:?}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let config = Config { password: Some("hunter2".into()), ..config("mqtt://a").unwrap() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
