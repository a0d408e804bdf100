//! Packets of services: found whole or refused, however they arrive; what is understood can be written down again, and means
//! the same. So are answers.

use goherd_proto::service::cache::Lifetime;
use goherd_proto::service::{Answer, CACHE, Call, Order, RPC, call, signal};

use super::arrivals::{first, however_cut};

/// `bytes` are what a peer sends.
pub fn check(bytes: &[u8]) {
    orders(bytes);
    calls(bytes);
    let found = however_cut(bytes.len(), |arrivals| first(bytes, arrivals, signal::find));
    if let Ok(Some((number, length))) = found {
        assert_eq!(signal::encode(number), bytes[..length]);
    }
    for modifier1 in [CACHE, RPC] {
        let found = however_cut(bytes.len(), |arrivals| {
            first(bytes, arrivals, |input| Answer::find(input, modifier1))
        });
        if let Ok(Some(answer)) = found {
            assert!(answer.length <= bytes.len());
        }
    }
}

fn orders(bytes: &[u8]) {
    let found = however_cut(bytes.len(), |arrivals| {
        let order = first(bytes, arrivals, Order::find).map_err(|refusal| assert!(refusal.is_silent()))?;
        Ok::<_, ()>(order)
    });
    let Ok(Some(order)) = found else { return };
    assert!(order.length <= bytes.len());
    assert!(order.size == 0 || order.command.takes_value());
    assert!(!matches!(order.lifetime, Lifetime::Millis(0)));
    // What a command does not use is not written.
    if let Some(again) = order.encode() {
        let again = Order::find(&again).expect("it is one").expect("it is whole");
        let used = (again.command, again.cache, again.key, again.size, again.lifetime);
        assert_eq!(used, (order.command, order.cache, order.key, order.size, order.lifetime));
    }
}

fn calls(bytes: &[u8]) {
    let found = however_cut(bytes.len(), |arrivals| {
        let call = first(bytes, arrivals, Call::find).map_err(|refusal| assert!(refusal.is_silent()))?;
        Ok::<_, ()>(call)
    });
    let Ok(Some(call)) = found else { return };
    assert!(call.length <= bytes.len() && !call.name.is_empty());
    let rest = &bytes[call.length..];
    let packed = usize::try_from(call.size).ok().and_then(|size| rest.get(..size));
    let Some(arguments) = packed.and_then(|packed| call::arguments(call.form, packed)) else { return };
    assert!(arguments.len() <= call::MOST_ARGUMENTS);
    let again = call::encode(call.name, &arguments, call.millis);
    let Some(again) = again else { return };
    let found = Call::find(&again).expect("it is one").expect("it is whole");
    assert_eq!((found.name, found.millis), (call.name, call.millis));
    assert_eq!(call::arguments(found.form, &again[found.length..]), Some(arguments));
}
