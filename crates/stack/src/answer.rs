//! The answer to one order, on the control socket and from a card: `ok`, `ok VALUE` or `error TEXT`.

/// The value, which may be empty, or the text of the error.
pub type Answer = Result<String, String>;

/// An empty value.
pub fn done() -> Answer {
    Ok(String::new())
}

/// The line that `answer` is sent as.
pub fn line(answer: Answer) -> String {
    match answer {
        Ok(value) if value.is_empty() => "ok\n".into(),
        Ok(value) => format!("ok {value}\n"),
        Err(text) => format!("error {}\n", text.replace('\n', " ")),
    }
}

/// The answer that was sent as `line`.
pub fn read(line: &str) -> Answer {
    let line = line.trim_end();
    match line.split_once(' ').unwrap_or((line, "")) {
        ("ok", value) => Ok(value.into()),
        ("error", text) => Err(text.into()),
        _ => Err(format!("not an answer: {line:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_answer_can_be_read() {
        for answer in [done(), Ok("Virtual A 00 00".into()), Err("no card".into())] {
            assert_eq!(read(&line(answer.clone())), answer);
        }
    }

    #[test]
    fn an_answer_is_one_line() {
        assert_eq!(line(Err("first\nsecond".into())), "error first second\n");
    }

    #[test]
    fn anything_else_is_an_error() {
        assert!(read("").is_err());
        assert!(read("okay").is_err());
    }
}
