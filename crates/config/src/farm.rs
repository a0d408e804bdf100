//! A farm as the option `farm` describes it: `name:1,2` in, its name and its mules out, or what was expected.

const LONGEST_NAME: usize = 63;

/// Some mules with a name of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// Its name: letters, digits, `_`, `.` and `-`.
    pub name: String,
    /// The numbers of its mules, from 1, each once; at least one.
    pub mules: Vec<u32>,
}

impl Farm {
    /// What `text` describes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, mules) = text.split_once(':').ok_or("expected NAME:NUMBER,NUMBER,… such as mail:1,2")?;
        let name = name.trim();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(good) {
            return Err(format!(
                "expected a name of 1 to {LONGEST_NAME} letters, digits, _, . or - before the colon"
            ));
        }
        let mut farm = Self { name: name.to_owned(), mules: Vec::new() };
        for text in mules.split(',') {
            let text = text.trim();
            let number = text.parse().ok().filter(|number| *number > 0 && !text.starts_with('+'));
            let number =
                number.ok_or_else(|| format!("expected the number of a mule, from 1, not {text:?}"))?;
            if farm.mules.contains(&number) {
                return Err(format!("mule {number} is there twice"));
            }
            farm.mules.push(number);
        }
        Ok(farm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_farm_has_a_name_and_mules() {
        let farm = |name: &str, mules: &[u32]| Ok(Farm { name: name.to_owned(), mules: mules.to_vec() });
        assert_eq!(Farm::parse("mail:1,3"), farm("mail", &[1, 3]));
        assert_eq!(Farm::parse(" a-b.c_1 : 2 "), farm("a-b.c_1", &[2]));
    }

    #[test]
    fn what_is_no_farm_is_refused() {
        for (text, part) in [
            ("mail", "such as mail:1,2"),
            (":1", "a name of 1 to 63"),
            ("a b:1", "a name of 1 to 63"),
            ("a:", "the number of a mule, from 1, not \"\""),
            ("a:0", "not \"0\""),
            ("a:+1", "not \"+1\""),
            ("a:1,x", "not \"x\""),
            ("a:1,1", "mule 1 is there twice"),
        ] {
            let error = Farm::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
