//! Settings that are each good and cannot be meant together: all that was typed in, the first contradiction out. And such as
//! say nothing without another one that is not there.

use crate::cache::Cache;
use crate::config::Config;
use crate::error::Error;
use crate::settings::{Setting, Typed};

/// A contradiction: the options that are part of it, whether it holds, and what to say then.
struct Rule {
    options: [&'static str; 2],
    broken: fn(&Config) -> bool,
    sentence: fn(&Config) -> String,
}

const RULES: &[Rule] = &[
    Rule {
        options: ["cache", "cache2"],
        broken: |config| {
            let is_first =
                |other: &Cache| config.all_caches().next().is_some_and(|first| first.name == other.name);
            config.cache.is_some() && config.caches.iter().any(is_first)
        },
        sentence: |_| {
            "cache and cache2 both make a cache called default: give that of cache2 another name".to_owned()
        },
    },
    Rule {
        options: ["cheaper", "processes"],
        broken: |config| config.cheaper > config.processes,
        sentence: |config| {
            format!(
                "at least {} workers (cheaper) are more than the {} there may be (processes): lower the one or raise \
                 the other",
                config.cheaper, config.processes
            )
        },
    },
    Rule {
        options: ["cheaper-initial", "processes"],
        broken: |config| config.cheaper_initial.is_some_and(|initial| initial > config.processes),
        sentence: |config| {
            format!(
                "{} workers to begin with (cheaper-initial) are more than the {} there may be (processes): lower the one \
                 or raise the other",
                config.cheaper_initial.unwrap_or_default(),
                config.processes
            )
        },
    },
    Rule {
        options: ["cheaper-initial", "cheaper"],
        broken: |config| config.cheaper_initial.is_some_and(|initial| initial < config.cheaper),
        sentence: |config| {
            format!(
                "{} workers to begin with (cheaper-initial) are fewer than the {} there are at least (cheaper): raise \
                 the one or lower the other",
                config.cheaper_initial.unwrap_or_default(),
                config.cheaper
            )
        },
    },
    Rule {
        options: ["cheaper-busyness-min", "cheaper-busyness-max"],
        broken: |config| config.cheaper_busyness_min >= config.cheaper_busyness_max,
        sentence: |config| {
            format!(
                "cheaper-busyness-min, which is {}, must be less than cheaper-busyness-max, which is {}",
                config.cheaper_busyness_min, config.cheaper_busyness_max
            )
        },
    },
    Rule {
        options: ["max-worker-lifetime", "min-worker-lifetime"],
        broken: |config| {
            !config.max_worker_lifetime.is_zero() && config.max_worker_lifetime < config.min_worker_lifetime
        },
        sentence: |config| {
            format!(
                "max-worker-lifetime, which is {} s, must not be less than min-worker-lifetime, which is {} s",
                config.max_worker_lifetime.as_secs_f64(),
                config.min_worker_lifetime.as_secs_f64()
            )
        },
    },
    Rule {
        options: ["mule", "mules"],
        broken: |config| config.all_mules() > 256,
        sentence: |config| format!("there can be 256 mules (mule and mules), and not {}", config.all_mules()),
    },
    Rule {
        options: ["farm", "farm"],
        broken: |config| missing_mule(config).is_some(),
        sentence: |config| {
            let (farm, mule) = missing_mule(config).unwrap_or_default();
            let mules = config.all_mules();
            format!(
                "farm {farm} is to have mule {mule}, and there are {mules} mules (mules): raise that, or leave it out"
            )
        },
    },
];

/// The first mule that a farm is to have and that is not there.
fn missing_mule(config: &Config) -> Option<(&str, u32)> {
    let numbers =
        |farm: &'_ crate::farm::Farm| farm.mules.iter().copied().find(|&mule| mule > config.all_mules());
    config.farms.iter().find_map(|farm| Some((farm.name.as_str(), numbers(farm)?)))
}

/// Refuses the first contradiction at the place of the later of its settings.
pub fn check(typed: &Typed, config: &Config) -> Result<(), Error> {
    let Some(rule) = RULES.iter().find(|rule| (rule.broken)(config)) else { return Ok(()) };
    let part = |setting: &&Setting| rule.options.contains(&setting.option.name());
    let last =
        typed.effective().filter(part).last().expect("the defaults of the table agree, as a test proves");
    Err(Error::at(&last.origin, format!("{last}: {}", (rule.sentence)(config))))
}

/// Options that say more of what another one does, and whether that one does nothing.
struct Detail {
    options: &'static [&'static str],
    of: &'static str,
    vain: fn(&Config) -> bool,
}

const DETAILS: &[Detail] = &[
    Detail {
        options: &[
            "cheaper-initial",
            "cheaper-step",
            "cheaper-overload",
            "cheaper-algo",
            "cheaper-busyness-max",
            "cheaper-busyness-min",
        ],
        of: "cheaper",
        vain: |config| config.cheaper == 0,
    },
    Detail { options: &["die-on-idle"], of: "idle", vain: |config| config.idle.is_zero() },
    Detail { options: &["max-requests-delta"], of: "max-requests", vain: |config| config.max_requests == 0 },
    Detail {
        options: &["max-worker-lifetime-delta"],
        of: "max-worker-lifetime",
        vain: |config| config.max_worker_lifetime.is_zero(),
    },
];

/// What was typed and has no effect, for want of another option, in a sentence each. A default is no wish.
pub fn notes(typed: &Typed, config: &Config) -> Vec<String> {
    let note = |setting: &Setting| {
        let names = |detail: &&Detail| detail.options.contains(&setting.option.name());
        let says_nothing = setting.option.default == Some(setting.value.as_str());
        let detail = DETAILS.iter().find(names).filter(|detail| (detail.vain)(config) && !says_nothing)?;
        Some(format!("{}: {setting}: has no effect without {}", setting.origin, detail.of))
    };
    typed.effective().filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_agree() {
        assert!(RULES.iter().all(|rule| !(rule.broken)(&Config::default())));
    }

    #[test]
    fn the_options_of_each_rule_are_options() {
        let of_details = DETAILS.iter().flat_map(|detail| detail.options.iter().chain([&detail.of]).copied());
        for name in RULES.iter().flat_map(|rule| rule.options).chain(of_details) {
            assert!(crate::options::find(name).is_some_and(|row| row.name() == name), "{name}");
        }
    }
}
