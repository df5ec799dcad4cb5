//! The broker goes and comes, with nothing remembered: nothing is lost, and nothing stops.

use super::rig::Rig;
use super::user::{Broker, User};
use gsmgate::model::{Refusal, RefusalCode};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_broker_that_forgets_everything_loses_nothing() {
    let (dir, mut broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let mut rig = Rig::start(dir.path(), broker.address);
    let mut user = User::of_gateway(broker.address).await;
    let mut seen = BTreeSet::new();
    let mut sent = 0;
    for round in 0..4 {
        for _ in 0..25 {
            sent += 1;
            let command = format!(r#"{{"to":"+491701234567","text":"a","id":"m{sent}"}}"#);
            user.send(command).await;
        }
        while seen.len() < sent {
            let status = user.next_of_kind("status").await.json;
            seen.insert(status["seq"].as_u64().unwrap());
        }
        drop(user);
        let port = broker.kill().await;
        // The gateway goes on while nobody listens; once it does not even live on.
        sent += 1;
        let away = format!(r#"{{"to":"+491701234567","text":"a","id":"m{sent}"}}"#);
        let command = gsmgate::bridge::wire::parse_send(away.as_bytes(), super::rig::now(), &Default::default());
        rig.gateway.submit(command.unwrap().submissions, None).await.unwrap();
        if round == 2 {
            rig.kill().await;
            broker = Broker::start(port).await;
            user = User::connect(broker.address).await;
            rig = Rig::start(dir.path(), broker.address);
        } else {
            broker = Broker::start(port).await;
            user = User::connect(broker.address).await;
        }
        let mut is_online = false;
        while seen.len() < sent || !is_online {
            let is_state = |topic: &str| topic.ends_with("/state");
            let it =
                user.next_that("statuses and state", |it| is_state(&it.topic) || it.topic.contains("/status/")).await;
            if is_state(&it.topic) {
                // Only then it hears commands again.
                is_online = it.json["state"] == "online";
            } else {
                seen.insert(it.json["seq"].as_u64().unwrap());
            }
        }
    }
    assert_eq!(seen, (1..=104).collect());
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 104);
    rig.stop().await;
}

/// What was given up while the broker was away stays unpublished; what comes after it goes out.
#[tokio::test]
async fn what_is_kept_elsewhere_is_gone_past() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::start(0).await);
    let address = broker.address;
    let port = broker.kill().await;
    let rig = Rig::start(dir.path(), address);
    for n in 1..=300 {
        let refusal = Refusal::new(RefusalCode::InvalidJson, format!("{{ {n}"));
        rig.store.refuse(refusal, super::rig::now()).await.unwrap();
    }
    rig.store.give_up(280, None, super::rig::now()).await.unwrap();
    let broker = Broker::start(port).await;
    let mut user = User::connect(broker.address).await;
    let mut seen = BTreeSet::new();
    while !seen.contains(&300) {
        let event = user.next_that("events", |it| it.topic.ends_with("/event")).await;
        seen.insert(event.json["seq"].as_u64().unwrap());
    }
    // A window and a batch may have been read before.
    assert!(
        (281..=300).all(|seq| seen.contains(&seq)) && !seen.iter().any(|seq| (193..=280).contains(seq)),
        "{seen:?}"
    );
    rig.stop().await;
}
