//! Which names a condition uses that nothing in it binds.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The first variable that is neither in `known` nor bound by a macro such as `exists(f, …)` around it.
pub(super) fn unbound<'e>(expression: &'e IdedExpr, known: &[&'e str]) -> Option<&'e str> {
    let mut scope = known.to_vec();
    walk(expression, &mut scope)
}

/// Conditions are at most a few hundred levels deep: the parser bounds them.
fn walk<'e>(expression: &'e IdedExpr, scope: &mut Vec<&'e str>) -> Option<&'e str> {
    match &expression.expr {
        Expr::Ident(name) => (!scope.contains(&name.as_str())).then_some(name.as_str()),
        Expr::Call(call) => {
            let target = call.target.iter().map(|t| &**t);
            target.chain(&call.args).find_map(|e| walk(e, scope))
        }
        Expr::Select(select) => walk(&select.operand, scope),
        Expr::List(list) => list.elements.iter().find_map(|e| walk(e, scope)),
        Expr::Map(map) => map.entries.iter().find_map(|e| entry(&e.expr, scope)),
        Expr::Struct(s) => s.entries.iter().find_map(|e| entry(&e.expr, scope)),
        Expr::Comprehension(c) => {
            if let Some(name) = walk(&c.iter_range, scope).or_else(|| walk(&c.accu_init, scope)) {
                return Some(name);
            }
            let outer = scope.len();
            scope.push(&c.iter_var);
            scope.extend(c.iter_var2.as_deref());
            scope.push(&c.accu_var);
            let name = [&c.loop_cond, &c.loop_step, &c.result].into_iter().find_map(|e| walk(e, scope));
            scope.truncate(outer);
            name
        }
        Expr::Literal(_) | Expr::Unspecified => None,
    }
}

fn entry<'e>(entry: &'e EntryExpr, scope: &mut Vec<&'e str>) -> Option<&'e str> {
    match entry {
        EntryExpr::StructField(field) => walk(&field.value, scope),
        EntryExpr::MapEntry(pair) => walk(&pair.key, scope).or_else(|| walk(&pair.value, scope)),
    }
}
