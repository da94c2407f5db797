//! The scripts of pipelines: arithmetic and comparison over `params.<name>`, nothing else.

use std::collections::BTreeMap;

use crate::EsError;

/// A parsed script.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64),
    Variable(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Choose(Box<Node>, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Longer first, and what binds weaker has the lower number.
const OPERATORS: [(&str, Operator, u8); 13] = [
    ("||", Operator::Or, 1),
    ("&&", Operator::And, 2),
    ("==", Operator::Equal, 3),
    ("!=", Operator::NotEqual, 3),
    ("<=", Operator::LessOrEqual, 4),
    (">=", Operator::GreaterOrEqual, 4),
    ("<", Operator::Less, 4),
    (">", Operator::Greater, 4),
    ("+", Operator::Add, 5),
    ("-", Operator::Subtract, 5),
    ("*", Operator::Multiply, 6),
    ("/", Operator::Divide, 6),
    ("%", Operator::Remainder, 6),
];
const MAX_LENGTH: usize = 4096;
const MAX_DEPTH: usize = 50;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Expression {
    /// Reads a script; variables are `params.name` or, as the language `expression` has them, plain names.
    pub fn parse(text: &str) -> Result<Self, EsError> {
        let mut parser = Parser {
            rest: text
                .trim()
                .trim_end_matches(';')
                .trim_start_matches("return "),
            depth: 0,
        };
        let node = if text.len() > MAX_LENGTH {
            None
        } else {
            parser.choice().filter(|_| parser.rest.trim().is_empty())
        };
        node.map(Expression).ok_or_else(|| {
            EsError::unsupported(&format!(
                "the script [{text}] (only arithmetic and comparison over params)"
            ))
        })
    }

    /// A number; 1 and 0 for true and false. None when a variable is not there.
    pub fn evaluate(&self, variables: &BTreeMap<String, f64>) -> Option<f64> {
        evaluate(&self.0, variables)
    }
}

fn evaluate(node: &Node, variables: &BTreeMap<String, f64>) -> Option<f64> {
    let value = |node: &Node| evaluate(node, variables);
    let flag = |flag: bool| f64::from(u8::from(flag));
    Some(match node {
        Node::Number(number) => *number,
        Node::Variable(name) => *variables.get(name)?,
        Node::Negate(node) => -value(node)?,
        Node::Not(node) => flag(value(node)? == 0.0),
        Node::Choose(test, yes, no) => {
            if value(test)? == 0.0 {
                value(no)?
            } else {
                value(yes)?
            }
        }
        Node::Binary(operator, a, b) => {
            let (a, b) = (value(a)?, value(b)?);
            match operator {
                Operator::Or => flag(a != 0.0 || b != 0.0),
                Operator::And => flag(a != 0.0 && b != 0.0),
                Operator::Equal => flag(a == b),
                Operator::NotEqual => flag(a != b),
                Operator::Less => flag(a < b),
                Operator::LessOrEqual => flag(a <= b),
                Operator::Greater => flag(a > b),
                Operator::GreaterOrEqual => flag(a >= b),
                Operator::Add => a + b,
                Operator::Subtract => a - b,
                Operator::Multiply => a * b,
                Operator::Divide => a / b,
                Operator::Remainder => a % b,
            }
        }
    })
}

impl Parser<'_> {
    fn choice(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let test = self.binary(1)?;
        let node = if self.take("?") {
            let yes = self.choice()?;
            if !self.take(":") {
                return None;
            }
            Node::Choose(Box::new(test), Box::new(yes), Box::new(self.choice()?))
        } else {
            test
        };
        self.depth -= 1;
        Some(node)
    }

    fn binary(&mut self, weakest: u8) -> Option<Node> {
        let mut left = self.operand()?;
        while let Some((operator, binding)) = self.operator(weakest) {
            let right = self.binary(binding + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn operator(&mut self, weakest: u8) -> Option<(Operator, u8)> {
        self.rest = self.rest.trim_start();
        let (text, operator, binding) = OPERATORS
            .into_iter()
            .find(|(text, _, _)| self.rest.starts_with(text))?;
        if binding < weakest {
            return None;
        }
        self.rest = self.rest.get(text.len()..)?;
        Some((operator, binding))
    }

    fn operand(&mut self) -> Option<Node> {
        if self.take("(") {
            let inner = self.choice()?;
            return self.take(")").then_some(inner);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = if self.take("-") {
            Node::Negate(Box::new(self.operand()?))
        } else if self.take("!") {
            Node::Not(Box::new(self.operand()?))
        } else {
            self.word()?
        };
        self.depth -= 1;
        Some(node)
    }

    fn word(&mut self) -> Option<Node> {
        let is_part = |character: char| character.is_alphanumeric() || "._".contains(character);
        let length = self
            .rest
            .find(|character| !is_part(character))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if word.starts_with(|character: char| character.is_ascii_digit()) {
            let digits = word.trim_end_matches(['d', 'D', 'f', 'F', 'L', 'l']);
            return digits.parse().ok().map(Node::Number);
        }
        match word {
            "true" => Some(Node::Number(1.0)),
            "false" => Some(Node::Number(0.0)),
            "" => None,
            name => {
                let name = name.strip_prefix("params.").unwrap_or(name);
                (!name.contains('.')).then(|| Node::Variable(name.to_owned()))
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            // `!=` is no `!`.
            Some(rest) if text != "!" || !rest.starts_with('=') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_arithmetic() {
        let variables = BTreeMap::from([("errors".to_owned(), 5.0), ("all".to_owned(), 200.0)]);
        let value = |text: &str| Expression::parse(text).unwrap().evaluate(&variables);
        assert_eq!(value("params.errors / params.all * 100"), Some(2.5));
        assert_eq!(value("1 + 2 * 3 - -4"), Some(11.0));
        assert_eq!(value("(1 + 2) * 3 % 4"), Some(1.0));
        assert_eq!(
            value("params.all > 100 && !(params.errors != 5)"),
            Some(1.0)
        );
        assert_eq!(
            value("return errors == 0 ? 1 : errors <= 5 ? 2.5 : 3;"),
            Some(2.5)
        );
        assert_eq!(value("params.nothing + 1"), None);
        for wrong in [
            "",
            "1 +",
            "(1",
            "Math.sqrt(4)",
            "a.b",
            "while(true){}",
            "1 ? 2",
        ] {
            assert!(Expression::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Expression::parse(&"(".repeat(2000)).is_err());
        assert!(Expression::parse(&"-".repeat(2000)).is_err());
    }
}
