//! A script of commands with the expected answers. docs/scmctl.md describes the format.

use std::fmt::{self, Display, Formatter};

use crate::send::Order;

#[derive(Debug)]
pub struct Step {
    /// The first line of the script is 1.
    pub line: usize,
    pub action: Action,
}

#[derive(Debug)]
pub enum Action {
    /// A command, and the answers that are right; without any, every success.
    Command(Order, Vec<Pattern>),
    /// A warm or a cold reset.
    Reset { is_cold: bool },
}

/// An answer with its status word: hexadecimal digits, `.` for any digit, `*` for any bytes.
#[derive(Debug, PartialEq)]
pub struct Pattern(Vec<char>);

/// The steps, or the first fault with its line.
pub fn parse(text: &str, is_raw: bool) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    // Editors of Windows begin a file with this mark of UTF-8.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    for (number, content) in logical_lines(text) {
        let told = |error: String| format!("line {number}: {error}");
        let content = content.trim();
        match (content.chars().next(), steps.last_mut()) {
            (None | Some('#'), _) => {}
            (Some('<'), Some(Step { action: Action::Command(_, answers), .. })) => {
                for answer in content[1..].split('|') {
                    answers.push(Pattern::parse(answer).map_err(told)?);
                }
            }
            (Some('<'), _) => return Err(told("an answer without a command".into())),
            (Some('>'), _) => {
                let order = Order::parse(&content[1..], is_raw).map_err(told)?;
                steps.push(Step { line: number, action: Action::Command(order, Vec::new()) });
            }
            _ => {
                let is_cold = match content.split_whitespace().collect::<Vec<_>>().as_slice() {
                    ["reset"] | ["reset", "warm"] => false,
                    ["reset", "cold"] => true,
                    _ => return Err(told("a line begins with >, <, reset or #".into())),
                };
                steps.push(Step { line: number, action: Action::Reset { is_cold } });
            }
        }
    }
    Ok(steps)
}

/// The lines with their numbers. A line that begins with a space, and is no step itself, continues the one before.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.trim();
        let is_step = content.is_empty() || content.starts_with(['>', '<', '#']) || content.starts_with("reset");
        match lines.last_mut() {
            Some((_, before)) if line.starts_with([' ', '\t']) && !is_step && before.starts_with(['>', '<']) => {
                before.push(' ');
                before.push_str(content);
            }
            _ => lines.push((index + 1, content.to_owned())),
        }
    }
    lines
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, String> {
        let signs: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
        if let Some(wrong) = signs.iter().find(|sign| !(sign.is_ascii_hexdigit() || ['.', '*'].contains(sign))) {
            return Err(format!("{wrong:?} is neither a hexadecimal digit nor . nor *"));
        }
        if signs.is_empty() {
            return Err("an answer has at least a status word".into());
        }
        if !signs.contains(&'*') && (signs.len() < 4 || signs.len() % 2 != 0) {
            return Err("an answer has whole bytes, and at least a status word".into());
        }
        Ok(Pattern(signs.iter().map(char::to_ascii_uppercase).collect()))
    }

    pub fn fits(&self, answer: &[u8]) -> bool {
        let digits: Vec<char> = crate::hex::plain(answer).chars().collect();
        fits(&self.0, &digits)
    }
}

impl Display for Pattern {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|sign| write!(formatter, "{sign}"))
    }
}

/// As for file names: after a failure behind a `*`, the last `*` takes one byte more.
fn fits(pattern: &[char], digits: &[char]) -> bool {
    let (mut sign, mut digit) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while digit < digits.len() {
        match pattern.get(sign) {
            Some('*') => {
                star = Some((sign, digit));
                sign += 1;
            }
            Some(&wanted) if wanted == '.' || wanted == digits[digit] => {
                sign += 1;
                digit += 1;
            }
            _ => match &mut star {
                Some((position, taken)) => {
                    *taken += 2;
                    (sign, digit) = (*position + 1, *taken);
                }
                None => return false,
            },
        }
    }
    digit == digits.len() && pattern[sign..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn fits(pattern: &str, answer: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(&hex::parse(answer).unwrap())
    }

    #[test]
    fn patterns_compare_answers() {
        assert!(fits("9000", "9000"));
        assert!(!fits("9000", "009000"));
        assert!(fits("6f .. 9000", "6FAA9000"));
        assert!(fits("63C.", "63C2"));
        assert!(fits("*9000", "9000") && fits("*9000", "00119000") && !fits("*9000", "00116A82"));
        assert!(fits("6F*84*9000", "6F0684010090009000"));
        assert!(fits("*", "6A82") && fits("6A82*", "6A82"));
        assert!(!fits("90000000", "9000"));
    }

    #[test]
    fn a_star_takes_whole_bytes() {
        assert!(!fits("*00 9000", "100F9000"), "the digits 00 lie in two bytes");
        assert!(fits("*00 9000", "10009000"));
    }

    #[test]
    fn a_script_has_steps() {
        let script = "# select\n> 00 A4 00 0C 02\n   3F 00\n< 9000 | 61..\n\nreset cold\n>00B0000000\n";
        let steps = parse(script, false).unwrap();
        assert_eq!(steps.iter().map(|step| step.line).collect::<Vec<_>>(), [2, 6, 7]);
        assert!(matches!(&steps[0].action, Action::Command(_, answers) if answers.len() == 2));
        assert!(matches!(steps[1].action, Action::Reset { is_cold: true }));
        assert!(matches!(&steps[2].action, Action::Command(_, answers) if answers.is_empty()));
    }

    #[test]
    fn a_script_of_windows_is_a_script() {
        assert_eq!(parse("\u{feff}> 00A40000\r\n< 9000\r\n", false).unwrap().len(), 1);
    }

    /// Otherwise it would silently not be sent.
    #[test]
    fn a_step_behind_spaces_is_a_step() {
        let steps =
            parse("# two steps\n   > 00A40000\n   reset\n# one more\n > 00A40000\n\t< 90\n   00", false).unwrap();
        assert_eq!(steps.iter().map(|step| step.line).collect::<Vec<_>>(), [2, 3, 5]);
        assert!(parse("# text\n  00A40000", false).unwrap_err().starts_with("line 2"));
    }

    #[test]
    fn faults_name_their_line() {
        for (script, line) in [
            ("< 9000", "line 1"),
            ("> 00A40000\nhello", "line 2"),
            ("\n> 00A4", "line 2"),
            ("> 00A40000\n< 900", "line 2"),
            ("> 00A40000\n<", "line 2"),
            ("> 00A40000\n< 90 0Z", "line 2"),
            ("reset\n< 9000", "line 2"),
            ("reset lukewarm", "line 1"),
        ] {
            let error = parse(script, false).unwrap_err();
            assert!(error.starts_with(line), "{script:?}: {error}");
        }
    }
}
