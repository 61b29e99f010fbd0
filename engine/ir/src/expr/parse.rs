//! Recursive descent over the tokens of an expression.

use super::lex::{Token, tokens};
use super::{Arithmetic, BadExpr, Comparator, Func, Grammar, Kind, Node};

/// Deeper nesting is refused, so that no text can exhaust the stack here or in later stages.
const MAX_DEPTH: usize = 64;
const KEYWORDS: &[&str] =
    &["case", "when", "then", "else", "end", "and", "or", "not", "in", "is", "null"];

pub(super) fn parse(text: &str, grammar: Grammar) -> Result<Node, BadExpr> {
    if text.len() > 16 * 1024 {
        return Err(BadExpr { at: 0, message: "An expression has at most 16 KB.".to_owned() });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, grammar };
    let node = parser.sum()?;
    match parser.peek() {
        Token::End => Ok(node),
        Token::Symbol(s @ ("=" | "!=" | "<>" | ">" | ">=" | "<" | "<=")) => {
            let message = format!("\"{s}\" stands only in the condition of a case.");
            Err(parser.error(message))
        }
        _ => Err(parser.error("Expected an operator or the end.")),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    grammar: Grammar,
}

type Parsed = Result<Node, BadExpr>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn at(&self) -> usize {
        self.tokens[self.next.min(self.tokens.len() - 1)].0
    }

    fn error(&self, message: impl Into<String>) -> BadExpr {
        BadExpr { at: self.at(), message: message.into() }
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        self.next += usize::from(found);
        found
    }

    fn need_symbol(&mut self, symbol: &str) -> Result<(), BadExpr> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        Err(self.error(format!("Expected \"{symbol}\".")))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Token::Word { name, quoted: false }
            if name.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn need_keyword(&mut self, keyword: &str) -> Result<(), BadExpr> {
        if self.take_keyword(keyword) {
            return Ok(());
        }
        Err(self.error(format!("Expected \"{keyword}\".")))
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("Expressions nest at most {MAX_DEPTH} deep.")));
        }
        let node = inner(self);
        self.depth -= 1;
        node
    }

    fn sum(&mut self) -> Parsed {
        let operators = [("+", Arithmetic::Add), ("-", Arithmetic::Subtract)];
        self.chain(&operators, Self::product)
    }

    fn product(&mut self) -> Parsed {
        let operators = [("*", Arithmetic::Multiply), ("/", Arithmetic::Divide)];
        self.chain(&operators, Self::unary)
    }

    fn chain(
        &mut self,
        operators: &[(&str, Arithmetic)],
        operand: fn(&mut Self) -> Parsed,
    ) -> Parsed {
        let mut left = operand(self)?;
        let mut length = 0;
        while let Some((_, op)) = operators.iter().find(|(s, _)| self.take_symbol(s)) {
            // A long chain is a deep tree.
            length += 1;
            if length > 256 {
                return Err(self.error("An expression has at most 256 operators in a row."));
            }
            let right = operand(self)?;
            let at = left.at;
            left = Node { at, kind: Kind::Arithmetic(*op, Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        if self.take_symbol("-") {
            let inner = self.nested(Self::unary)?;
            return Ok(Node { at, kind: Kind::Negate(Box::new(inner)) });
        }
        self.atom()
    }

    fn atom(&mut self) -> Parsed {
        let at = self.at();
        match self.peek().clone() {
            Token::Number(digits) => {
                self.next += 1;
                Ok(Node { at, kind: Kind::Number(digits) })
            }
            Token::Text(text) => {
                if self.grammar == Grammar::Metrics {
                    return Err(self.error("Text has no place among metrics."));
                }
                self.next += 1;
                Ok(Node { at, kind: Kind::Text(text) })
            }
            Token::Symbol("(") => {
                self.next += 1;
                let inner = self.nested(Self::sum)?;
                self.need_symbol(")")?;
                Ok(inner)
            }
            Token::Word { name, quoted } => self.word(name, quoted),
            Token::Symbol(_) | Token::End => {
                Err(self.error("Expected a name, a number or a bracket."))
            }
        }
    }

    fn word(&mut self, name: String, quoted: bool) -> Parsed {
        let at = self.at();
        let lower = name.to_ascii_lowercase();
        if !quoted && lower == "case" && self.grammar == Grammar::Row {
            self.next += 1;
            return self.nested(|p| p.case(at));
        }
        if !quoted && KEYWORDS.contains(&lower.as_str()) {
            let message = format!(
                "\"{name}\" does not fit here; put a column of that name in double quotes."
            );
            return Err(self.error(message));
        }
        let called = matches!(self.tokens.get(self.next + 1), Some((_, Token::Symbol("("))));
        if quoted || !called {
            self.next += 1;
            return Ok(Node { at, kind: Kind::Name(name) });
        }
        let call = self.nested(|p| p.call(&lower))?;
        match &call.kind {
            Kind::Call(func, _) if func.is_condition() => {
                let message = format!("\"{lower}\" stands only in the condition of a case.");
                Err(BadExpr { at, message })
            }
            _ => Ok(call),
        }
    }

    fn call(&mut self, name: &str) -> Parsed {
        let at = self.at();
        let in_metrics = self.grammar == Grammar::Metrics;
        let allowed = |row: &&(&str, Func, usize, usize, bool)| row.4 || !in_metrics;
        let known: Vec<&str> = Func::TABLE.iter().filter(allowed).map(|row| row.0).collect();
        let Some(row) = Func::TABLE.iter().filter(allowed).find(|row| row.0 == name) else {
            let message =
                format!("There is no function \"{name}\"; there are {}.", known.join(", "));
            return Err(BadExpr { at, message });
        };
        self.next += 2;
        let mut args = Vec::new();
        if !self.take_symbol(")") {
            loop {
                args.push(self.sum()?);
                if self.take_symbol(")") {
                    break;
                }
                self.need_symbol(",")?;
            }
        }
        if args.len() < row.2 || args.len() > row.3 {
            let message = match row.2 == row.3 {
                true => format!("\"{name}\" takes {} arguments, not {}.", row.2, args.len()),
                false => format!(
                    "\"{name}\" takes {} to {} arguments, not {}.",
                    row.2,
                    row.3,
                    args.len()
                ),
            };
            return Err(BadExpr { at, message });
        }
        Ok(Node { at, kind: Kind::Call(row.1, args) })
    }

    fn case(&mut self, at: usize) -> Parsed {
        let mut whens = Vec::new();
        self.need_keyword("when")?;
        loop {
            let when = self.condition()?;
            self.need_keyword("then")?;
            whens.push((when, self.sum()?));
            if whens.len() > 256 {
                return Err(self.error("A case has at most 256 branches."));
            }
            if !self.take_keyword("when") {
                break;
            }
        }
        let otherwise = match self.take_keyword("else") {
            true => Some(Box::new(self.sum()?)),
            false => None,
        };
        self.need_keyword("end")?;
        Ok(Node { at, kind: Kind::Case { whens, otherwise } })
    }

    fn condition(&mut self) -> Parsed {
        let mut left = self.conjunction()?;
        let mut length = 0;
        while self.take_keyword("or") {
            length += 1;
            if length > 256 {
                return Err(self.error("A condition has at most 256 alternatives."));
            }
            let right = self.conjunction()?;
            left = Node { at: left.at, kind: Kind::Or(Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed {
        let mut left = self.negation()?;
        let mut length = 0;
        while self.take_keyword("and") {
            length += 1;
            if length > 256 {
                return Err(self.error("A condition has at most 256 parts."));
            }
            let right = self.negation()?;
            left = Node { at: left.at, kind: Kind::And(Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed {
        let at = self.at();
        if self.take_keyword("not") {
            let inner = self.nested(Self::negation)?;
            return Ok(Node { at, kind: Kind::Not(Box::new(inner)) });
        }
        self.test()
    }

    fn test(&mut self) -> Parsed {
        let at = self.at();
        if let Some(inner) = self.bracketed_condition()? {
            return Ok(inner);
        }
        if let Token::Word { name, quoted: false } = self.peek().clone() {
            let lower = name.to_ascii_lowercase();
            let condition = Func::TABLE.iter().any(|r| r.0 == lower && r.1.is_condition());
            let called = matches!(self.tokens.get(self.next + 1), Some((_, Token::Symbol("("))));
            if condition && called {
                return self.nested(|p| p.call(&lower));
            }
        }
        let left = Box::new(self.sum()?);
        if self.take_keyword("is") {
            let negated = self.take_keyword("not");
            self.need_keyword("null")?;
            return Ok(Node { at, kind: Kind::IsNull { item: left, negated } });
        }
        let negated = self.take_keyword("not");
        if negated
            || matches!(self.peek(), Token::Word { name, quoted: false } if name.eq_ignore_ascii_case("in"))
        {
            self.need_keyword("in")?;
            let list = self.list()?;
            return Ok(Node { at, kind: Kind::In { item: left, list, negated } });
        }
        let comparators = [
            ("=", Comparator::Eq),
            ("!=", Comparator::Ne),
            ("<>", Comparator::Ne),
            (">=", Comparator::Ge),
            (">", Comparator::Gt),
            ("<=", Comparator::Le),
            ("<", Comparator::Lt),
        ];
        let Some((_, op)) = comparators.iter().find(|(s, _)| self.take_symbol(s)) else {
            return Err(self.error("Expected a comparison."));
        };
        let right = Box::new(self.sum()?);
        Ok(Node { at, kind: Kind::Compare(*op, left, right) })
    }

    /// A condition in brackets, or nothing where the bracket opens a sum: decided by trying.
    fn bracketed_condition(&mut self) -> Result<Option<Node>, BadExpr> {
        if !matches!(self.peek(), Token::Symbol("(")) {
            return Ok(None);
        }
        if self.depth >= MAX_DEPTH {
            return Err(self.error(format!("Expressions nest at most {MAX_DEPTH} deep.")));
        }
        let (start, depth) = (self.next, self.depth);
        // Each bracket is tried twice at most once per level, so the attempts are bounded by
        // remembering how deep the run of brackets is.
        let run = self.tokens[start..]
            .iter()
            .take_while(|(_, t)| matches!(t, Token::Symbol("(")))
            .count();
        if run > 8 {
            return Err(self.error("At most 8 brackets open at one place in a condition."));
        }
        self.next += 1;
        self.depth += 1;
        if let Ok(inner) = self.condition()
            && self.take_symbol(")")
        {
            self.depth = depth;
            return Ok(Some(inner));
        }
        (self.next, self.depth) = (start, depth);
        Ok(None)
    }

    fn list(&mut self) -> Result<Vec<Node>, BadExpr> {
        self.need_symbol("(")?;
        let mut items = vec![self.sum()?];
        while self.take_symbol(",") {
            items.push(self.sum()?);
            if items.len() > 1_000 {
                return Err(self.error("A list has at most 1000 values."));
            }
        }
        self.need_symbol(")")?;
        Ok(items)
    }
}
