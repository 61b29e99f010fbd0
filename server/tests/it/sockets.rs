//! The socket, over a real connection.

mod client;

use crate::world::{World, claims, token};
use client::{Place, closed, tell};
use serde_json::{Value, json};
use yawc::close::CloseCode;

#[tokio::test]
async fn it_says_what_it_offers_and_who_may_know() {
    let world = World::new().await;
    let info = world.as_user("vic", "viewer", "GET", "/v1/ws").send().await.expect(200);
    assert_eq!((&info["enabled"], &info["max_message_size"]), (&json!(true), &json!(512)));
    assert_eq!(info["channels"].as_array().unwrap().len(), 8);
    world.get("/v1/ws").send().await.problem(401, "unauthorized");
    let query = world.as_user("vic", "viewer", "GET", "/v1/ws?token=x").send().await;
    query.problem(400, "bad_request");
    let half = world.as_user("vic", "viewer", "GET", "/v1/ws").header("upgrade", "websocket");
    half.send().await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_token_comes_by_header_subprotocol_or_first_message() {
    let place = Place::new("").await;
    let ann = token(&claims("ann", "viewer"));
    let mut by_header = place.open(&[("authorization", &format!("Bearer {ann}"))]).await.unwrap();
    assert_eq!(by_header.next().await["payload"]["user_id"], "ann");
    let named = format!("air, bearer.{ann}");
    let mut by_protocol = place.open(&[("sec-websocket-protocol", &named)]).await.unwrap();
    assert_eq!(by_protocol.next().await["payload"]["user_id"], "ann");
    let mut by_message = place.open(&[]).await.unwrap();
    by_message.say(json!({"type": "auth", "token": ann})).await;
    let hello = by_message.next().await;
    assert_eq!((&hello["channel"], &hello["type"]), (&json!("socket"), &json!("status")));
    assert_eq!(hello["payload"]["ready"], true);
    // Once is enough.
    by_message.say(json!({"type": "auth", "token": ann})).await;
    assert_eq!(by_message.next().await["payload"]["code"], "bad_request");
}

#[tokio::test]
async fn a_token_that_does_not_hold_opens_nothing() {
    let place = Place::new("").await;
    let wrong = format!("{}x", token(&claims("ann", "admin")));
    for header in [
        ("authorization", format!("Bearer {wrong}")),
        ("sec-websocket-protocol", format!("bearer.{wrong}")),
    ] {
        assert_eq!(place.open(&[(header.0, &header.1)]).await.err(), Some(401), "{header:?}");
    }
    for first in [
        json!({"type": "auth", "token": wrong}),
        json!({"type": "subscribe", "channel": "presence:online"}),
        json!("nonsense"),
    ] {
        let mut socket = place.open(&[]).await.unwrap();
        socket.say(first).await;
        let refused = socket.next().await;
        assert_eq!(
            (&refused["type"], &refused["payload"]["code"]),
            (&json!("error"), &json!("unauthorized"))
        );
        assert_eq!(closed(socket).await.0, CloseCode::Policy);
    }
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let place = Place::new("websocket: {handshake_timeout: 200ms}\n").await;
    let socket = place.open(&[]).await.unwrap();
    // Without a close frame, since nobody is known to be there.
    assert!(socket.ends().await);
}

#[tokio::test]
async fn a_socket_ends_when_its_token_does() {
    let place = Place::new("").await;
    let mut soon = claims("ann", "viewer");
    soon["exp"] = json!(soon["iat"].as_u64().unwrap() + 2);
    let mut socket = place.open_with(&token(&soon)).await;
    socket.say(json!({"type": "ping", "ref": 1})).await;
    assert_eq!(socket.next().await["payload"], json!({"reply_to": "ping", "ref": 1}));
    let (code, reason) = closed(socket).await;
    assert_eq!((code, reason.as_str()), (CloseCode::Policy, "the token has expired"));
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_closes_nothing() {
    let place = Place::new("").await;
    let mut socket = place.user("ann", "viewer").await;
    for (text, code) in [
        ("nonsense", "bad_request"),
        ("[1]", "bad_request"),
        ("{\"type\": 7}", "bad_request"),
        ("{\"type\": \"dance\", \"ref\": \"x\"}", "invalid"),
        ("{\"type\": \"subscribe\"}", "invalid"),
        ("{\"type\": \"subscribe\", \"channel\": \"nowhere\"}", "invalid"),
        ("{\"type\": \"unsubscribe\", \"channel\": \"presence:online\"}", "not_found"),
        ("{\"type\": \"ping\", \"more\": 1}", "invalid"),
    ] {
        socket.text(text).await;
        let answer = socket.next().await;
        assert_eq!(
            (&answer["type"], &answer["payload"]["code"]),
            (&json!("error"), &json!(code)),
            "{text}"
        );
        assert_eq!(answer["seq"], 0);
    }
    socket.binary(b"\x00\xff").await;
    assert_eq!(socket.next().await["payload"]["code"], "unsupported_media_type");
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.next().await["payload"]["reply_to"], "ping");
}

#[tokio::test]
async fn what_is_too_large_closes() {
    let place = Place::new("").await;
    let mut socket = place.user("ann", "viewer").await;
    socket.text(&format!("{{\"type\":\"ping\",\"ref\":\"{}\"}}", "x".repeat(481))).await;
    assert_eq!(socket.next().await["payload"]["reply_to"], "ping", "512 bytes are not too large");
    socket.text(&"x".repeat(513)).await;
    let (code, reason) = closed(socket).await;
    assert_eq!((code, reason.as_str()), (CloseCode::Size, "a message may have at most 512 bytes"));
    let socket = place.user("ann", "viewer").await;
    // Far too large: it is not read to its end, so the close frame may be lost on the way.
    assert!(socket.ends_when_told(&"x".repeat(100_000)).await);
}

#[tokio::test]
async fn a_channel_is_for_whoever_may_see_what_is_behind_it() {
    let place = Place::new("").await;
    let run = place.run("ann").await;
    let run = format!("run/{run}");
    let unknown = format!("process/job_{}", "0".repeat(32));
    let mut ann = place.user("ann", "viewer").await;
    let mut bob = place.user("bob", "editor").await;
    let mut eva = place.user("eva", "admin").await;
    for (channel, ann_may, bob_may, eva_may) in [
        (run.as_str(), "", "not_found", ""),
        (&unknown, "not_found", "not_found", "not_found"),
        ("ai:stream:ann", "", "forbidden", ""),
        ("typing:ann", "", "forbidden", ""),
        ("presence:online", "", "", ""),
        ("system:notifications", "", "", ""),
    ] {
        for (socket, may) in [(&mut ann, ann_may), (&mut bob, bob_may), (&mut eva, eva_may)] {
            let answer = socket.subscribe(channel, None).await;
            let code = answer["payload"]["code"].as_str().unwrap_or("");
            assert_eq!(code, may, "{channel}: {answer}");
            assert_eq!(answer["payload"]["reply_to"], "subscribe");
        }
    }
}

#[tokio::test]
async fn what_is_told_of_runs_and_jobs_is_for_whom_the_same_policies_hold() {
    let place = Place::new(
        "policies:
  - {datasource: shop, entity: orders, roles: [viewer, editor]}
  - {datasource: shop, entity: orders, roles: [admin], hide: [amount]}
",
    )
    .await;
    let run = format!("run/{}", place.run("ann").await);
    let body = json!({"datasource_ids": ["shop"]});
    let made = place.request("POST", "eva", "editor", "/v1/process/learn", &body).await;
    let job = made["websocket_channel"].as_str().unwrap().to_owned();
    let mut ann = place.user("ann", "viewer").await;
    let mut eva = place.user("eva", "editor").await;
    let mut adm = place.user("adm", "admin").await;
    let mut other = place.user("adm", "admin").await;
    for (socket, channel, code) in [
        (&mut ann, &run, ""),
        (&mut eva, &job, ""),
        (&mut adm, &run, "forbidden"),
        (&mut other, &job, "forbidden"),
    ] {
        let answer = socket.subscribe(channel, Some(0)).await;
        assert_eq!(answer["payload"]["code"].as_str().unwrap_or(""), code, "{channel}: {answer}");
    }
    assert_eq!(ann.event().await["payload"]["status"], "running");
}

#[tokio::test]
async fn who_is_taken_out_of_a_room_hears_no_more_of_it() {
    let place = Place::new("").await;
    let rooms = "/v1/chat/rooms";
    let new = json!({"id": "board", "private": true, "members": ["bob", "cat"]});
    place.request("POST", "ann", "viewer", rooms, &new).await;
    let say = |content: &'static str| {
        let (place, body) = (&place, json!({"content": content}));
        async move {
            let path = "/v1/chat/rooms/board/messages";
            place.request("POST", "ann", "viewer", path, &body).await
        }
    };
    say("one").await;
    let mut bob = place.user("bob", "viewer").await;
    let mut cat = place.user("cat", "viewer").await;
    for socket in [&mut bob, &mut cat] {
        socket.subscribe("chat/board", Some(0)).await;
        assert_eq!(socket.event().await["payload"]["content"], "one");
    }
    let out = "/v1/chat/rooms/board/members?user_id=bob";
    place.page("DELETE", "ann", "viewer", out, &json!(null)).await;
    say("among ourselves").await;
    let heard = |event: &Value| event["payload"]["content"].as_str().unwrap_or("").to_owned();
    // Who came and went in between is no message.
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "among ourselves") {
        let event = cat.event().await;
        told.extend(Some(heard(&event)).filter(|content| !content.is_empty()));
    }
    assert_eq!(told, ["ann took bob out.", "among ourselves"], "the others go on");
    let refused = loop {
        let next = bob.next().await;
        assert_ne!(heard(&next), "among ourselves");
        if next["type"] == "error" {
            break next;
        }
    };
    assert_eq!(refused["payload"]["code"], "not_found");
    bob.say(json!({"type": "ping"})).await;
    let mut next = bob.next().await;
    while next["payload"]["reply_to"] != "ping" {
        assert_ne!(heard(&next), "among ourselves");
        next = bob.next().await;
    }
}

#[tokio::test]
async fn what_was_missed_comes_first_and_all_of_it_once() {
    let place = Place::new("").await;
    let run = place.run("ann").await;
    let channel = format!("run/{run}");
    let before = tell(&place, &channel, 0).await;
    let mut late = place.user("ann", "viewer").await;
    let mut now = place.user("ann", "viewer").await;
    assert_eq!(now.subscribe(&channel, None).await["payload"]["seq"], before);
    let last = tell(&place, &channel, 700).await;
    assert_eq!(last, before + 700);
    late.subscribe(&channel, Some(before + 2)).await;
    for seq in before + 3..=last {
        assert_eq!(late.event().await["seq"], seq);
    }
    // Who listened all the while has the same, though it was too much to be handed over at once.
    for seq in before + 1..=last {
        assert_eq!(now.event().await["seq"], seq);
    }
    let last = tell(&place, &channel, 3).await;
    for seq in last - 2..=last {
        assert_eq!(late.event().await["seq"], seq);
        let event = now.event().await;
        assert_eq!((&event["seq"], &event["channel"]), (&json!(seq), &json!(channel)));
        assert_eq!(event["type"], "progress");
    }
    now.say(json!({"type": "unsubscribe", "channel": channel})).await;
    assert_eq!(now.next().await["payload"]["subscribed"], false);
    tell(&place, &channel, 1).await;
    assert_eq!(late.event().await["seq"], last + 1);
    now.say(json!({"type": "ping"})).await;
    assert_eq!(now.next().await["payload"]["reply_to"], "ping", "it hears no more of it");
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told() {
    let place = Place::new("").await;
    let run = place.run("ann").await;
    let channel = format!("run/{run}");
    let last = tell(&place, &channel, 10).await;
    place.forget(&channel, last - 4).await;
    let mut socket = place.user("ann", "viewer").await;
    socket.subscribe(&channel, Some(last - 8)).await;
    let missed = socket.next().await;
    assert_eq!(missed["payload"]["missed"], json!({"after": last - 8, "before": last - 3}));
    for seq in last - 3..=last {
        assert_eq!(socket.event().await["seq"], seq);
    }
}

#[tokio::test]
async fn a_user_has_so_many_sockets_and_subscriptions() {
    let place = Place::new("limits: {sockets_per_user: 2, subscriptions_per_user: 2}\n").await;
    let mut one = place.user("ann", "viewer").await;
    let mut two = place.user("ann", "viewer").await;
    let bearer = format!("Bearer {}", token(&claims("ann", "viewer")));
    assert_eq!(place.open(&[("authorization", &bearer)]).await.err(), Some(429));
    let mut third = place.open(&[]).await.unwrap();
    third.say(json!({"type": "auth", "token": token(&claims("ann", "viewer"))})).await;
    assert_eq!(third.next().await["payload"]["code"], "too_many_requests");
    assert_eq!(closed(third).await.0, CloseCode::Policy);
    let refused = |answer: Value| answer["payload"]["code"] == "too_many_requests";
    assert!(!refused(one.subscribe("presence:online", None).await));
    assert!(!refused(two.subscribe("typing:ann", None).await));
    assert!(refused(one.subscribe("ai:stream:ann", None).await));
    // Again the same channel is no further one.
    assert!(!refused(one.subscribe("presence:online", None).await));
    let mut bob = place.user("bob", "viewer").await;
    assert!(!refused(bob.subscribe("presence:online", None).await));
    drop(two);
    place
        .until("the second socket has ended", || async {
            let mut again = match place.open(&[("authorization", &bearer)]).await {
                Ok(socket) => socket,
                Err(_) => return false,
            };
            again.next().await;
            !refused(again.subscribe("ai:stream:ann", None).await)
        })
        .await;
}

#[tokio::test]
async fn a_silent_client_is_closed() {
    let place = Place::new("websocket: {ping_period: 100ms, pong_wait: 300ms}\n").await;
    let silent = place.user("ann", "viewer").await;
    let lively = place.user("bob", "viewer").await;
    // Pings are answered by whoever reads; the other one does not.
    let lively = tokio::spawn(closed(lively));
    place.until("the silent one is gone", || async { place.sockets().await == 1 }).await;
    let (code, reason) = closed(silent).await;
    assert_eq!((code, reason.as_str()), (CloseCode::Policy, "no ping was answered"));
    assert!(!lively.is_finished());
    lively.abort();
}

#[tokio::test]
async fn presence_tells_the_first_and_the_last_socket() {
    let place = Place::new("").await;
    let mut watcher = place.user("eva", "admin").await;
    watcher.subscribe("presence:online", None).await;
    let one = place.user("ann", "viewer").await;
    let two = place.user("ann", "viewer").await;
    let event = watcher.event().await;
    assert_eq!((&event["type"], &event["user_id"]), (&json!("presence"), &json!("ann")));
    assert_eq!((&event["payload"]["online"], &event["seq"]), (&json!(true), &json!(0)));
    drop(one);
    drop(two);
    let event = watcher.event().await;
    assert_eq!(event["payload"], json!({"user_id": "ann", "online": false}));
}

#[tokio::test]
async fn compression_is_agreed_to_without_context() {
    let place = Place::new("").await;
    let run = place.run("ann").await;
    let channel = format!("run/{run}");
    let mut socket = place.compressed("ann").await;
    assert!(socket.agreed.contains("permessage-deflate"), "{}", socket.agreed);
    assert!(socket.agreed.contains("server_no_context_takeover"), "{}", socket.agreed);
    let last = tell(&place, &channel, 5).await;
    socket.subscribe(&channel, Some(last - 5)).await;
    for seq in last - 4..=last {
        assert_eq!(socket.event().await["seq"], seq);
    }
    let plain = Place::new("websocket: {enable_compression: false}\n").await;
    assert_eq!(plain.compressed("ann").await.agreed, "");
}

#[tokio::test]
async fn the_end_of_the_service_is_told() {
    let place = Place::new("").await;
    let socket = place.user("ann", "viewer").await;
    let ending = tokio::spawn(place.stop());
    let (code, reason) = closed(socket).await;
    assert_eq!((code, reason.as_str()), (CloseCode::Away, "the service is shutting down"));
    ending.await.unwrap();
}

#[tokio::test]
async fn sockets_can_be_switched_off() {
    let place = Place::new("websocket: {enabled: false}\n").await;
    let bearer = format!("Bearer {}", token(&claims("ann", "viewer")));
    assert_eq!(place.open(&[("authorization", &bearer)]).await.err(), Some(422));
}
