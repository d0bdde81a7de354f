//! Distances as a standard's file writes them: sums, differences and products of whole numbers and
//! timing parameters, `max(a, b)` and `min(a, b)`. Whole ticks throughout; what would be negative is
//! zero, as a command never has to come before the one it follows.

use std::collections::BTreeSet;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Number(i64),
    Name(String),
    Add(Box<Expression>, Box<Expression>),
    Subtract(Box<Expression>, Box<Expression>),
    Multiply(Box<Expression>, Box<Expression>),
    Max(Vec<Expression>),
    Min(Vec<Expression>),
}

/// Longest text; nesting is bounded with it.
const LONGEST: usize = 200;

impl Expression {
    /// Reads a text, or says what is wrong with it and where.
    pub(super) fn parse(text: &str) -> Result<Expression, String> {
        if text.len() > LONGEST {
            return Err(format!("an expression has at most {LONGEST} characters"));
        }
        let mut parser = Parser { text, at: 0 };
        let expression = parser.sum()?;
        match parser.peek() {
            None => Ok(expression),
            Some(_) => Err(parser.expected("an operator or the end")),
        }
    }

    /// Value with the parameters that `value_of` knows; `Err` names the first it does not know.
    pub(super) fn evaluate(
        &self,
        value_of: &mut impl FnMut(&str) -> Option<i64>,
    ) -> Result<i64, String> {
        let mut both = |a: &Expression, b: &Expression| {
            Ok::<_, String>((a.evaluate(value_of)?, b.evaluate(value_of)?))
        };
        match self {
            Expression::Number(number) => Ok(*number),
            Expression::Name(name) => value_of(name).ok_or_else(|| name.clone()),
            Expression::Add(a, b) => both(a, b).map(|(a, b)| a.saturating_add(b)),
            Expression::Subtract(a, b) => both(a, b).map(|(a, b)| a.saturating_sub(b)),
            Expression::Multiply(a, b) => both(a, b).map(|(a, b)| a.saturating_mul(b)),
            Expression::Max(list) | Expression::Min(list) => {
                let mut values = Vec::with_capacity(list.len());
                for item in list {
                    values.push(item.evaluate(value_of)?);
                }
                let picked = match self {
                    Expression::Max(_) => values.into_iter().max(),
                    _ => values.into_iter().min(),
                };
                Ok(picked.unwrap_or(0))
            }
        }
    }

    /// Every name that occurs.
    pub(super) fn names(&self, into: &mut BTreeSet<String>) {
        match self {
            Expression::Number(_) => {}
            Expression::Name(name) => {
                into.insert(name.clone());
            }
            Expression::Add(a, b) | Expression::Subtract(a, b) | Expression::Multiply(a, b) => {
                a.names(into);
                b.names(into);
            }
            Expression::Max(list) | Expression::Min(list) => {
                for item in list {
                    item.names(into);
                }
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?;
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expected(&mut self, what: &str) -> String {
        let found = match self.peek() {
            None => "its end".to_owned(),
            Some(_) => format!("'{}'", self.text.get(self.at..).unwrap_or_default()),
        };
        format!("in '{}': {what} is expected, not {found}", self.text)
    }

    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        loop {
            if self.eat('+') {
                left = Expression::Add(Box::new(left), Box::new(self.product()?));
            } else if self.eat('-') {
                left = Expression::Subtract(Box::new(left), Box::new(self.product()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        while self.eat('*') {
            left = Expression::Multiply(Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expression, String> {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.sum()?;
                if self.eat(')') {
                    Ok(inner)
                } else {
                    Err(self.expected("')'"))
                }
            }
            Some(digit) if digit.is_ascii_digit() => {
                let digits = self.take(|character| character.is_ascii_digit());
                match digits.parse::<i64>() {
                    Ok(number) if number <= 1 << 40 => Ok(Expression::Number(number)),
                    _ => Err(format!("in '{}': {digits} is too large", self.text)),
                }
            }
            Some(letter) if letter.is_ascii_lowercase() => {
                let name = self.take(|character| {
                    character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
                });
                match name.as_str() {
                    "max" => self.list().map(Expression::Max),
                    "min" => self.list().map(Expression::Min),
                    _ => Ok(Expression::Name(name)),
                }
            }
            _ => Err(self.expected("a number, a parameter, max(...), min(...) or '('")),
        }
    }

    fn list(&mut self) -> Result<Vec<Expression>, String> {
        if !self.eat('(') {
            return Err(self.expected("'('"));
        }
        let mut list = vec![self.sum()?];
        while self.eat(',') {
            list.push(self.sum()?);
        }
        if self.eat(')') {
            Ok(list)
        } else {
            Err(self.expected("',' or ')'"))
        }
    }

    fn take(&mut self, part: impl Fn(char) -> bool) -> String {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let taken: String = rest.chars().take_while(|&c| part(c)).collect();
        self.at += taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Result<i64, String> {
        Expression::parse(text)?.evaluate(&mut |name| match name {
            "cl" => Some(22),
            "cwl" => Some(16),
            "burst" => Some(4),
            _ => None,
        })
    }

    #[test]
    fn arithmetic_binds_as_usual() {
        assert_eq!(value("cl + burst + 2 - cwl"), Ok(12));
        assert_eq!(value("2 * cl - 3 * (burst + 1)"), Ok(29));
        assert_eq!(value("max(cl, cwl + burst, 7) - min(cl,cwl)"), Ok(6));
        assert_eq!(value("cwl - cl - 1"), Ok(-7));
        assert_eq!(value(" 7 "), Ok(7));
    }

    #[test]
    fn an_unknown_name_is_named() {
        assert_eq!(value("cl + t_rpp"), Err("t_rpp".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_shown() {
        for (text, said) in [
            (
                "",
                "in '': a number, a parameter, max(...), min(...) or '(' is expected, not its end",
            ),
            (
                "cl +",
                "in 'cl +': a number, a parameter, max(...), min(...) or '(' is expected, not its end",
            ),
            (
                "cl cwl",
                "in 'cl cwl': an operator or the end is expected, not 'cwl'",
            ),
            ("max cl", "in 'max cl': '(' is expected, not 'cl'"),
            ("(cl", "in '(cl': ')' is expected, not its end"),
            ("max(cl", "in 'max(cl': ',' or ')' is expected, not its end"),
            (
                "cl / 2",
                "in 'cl / 2': an operator or the end is expected, not '/ 2'",
            ),
            (
                "99999999999999999999",
                "in '99999999999999999999': 99999999999999999999 is too large",
            ),
        ] {
            assert_eq!(Expression::parse(text), Err(said.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z0-9_+*(), é-]{0,60}") {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.evaluate(&mut |_| Some(i64::MAX));
            }
        }
    }
}
