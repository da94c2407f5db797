//! Addresses and texts without what changes from run to run: pure.

/// A URL without its query's values, with numbers and hashes folded, so that the same resource of two builds is one.
pub fn folded_url(url: &str) -> String {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    if path.starts_with("data:") {
        return "data:…".to_owned();
    }
    let (origin, rest) = match path
        .find("://")
        .and_then(|at| path.get(at + 3..)?.find('/').map(|slash| at + 3 + slash))
    {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let folded: Vec<String> = rest.split('/').map(folded_word).collect();
    let mut url = format!("{origin}{}", folded.join("/"));
    if let Some(query) = query {
        let names: Vec<&str> = query
            .split('&')
            .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
            .collect();
        url.push('?');
        url.push_str(&names.join("&"));
    }
    url
}

/// A text with numbers, ids and hashes folded, so that the same message of two runs is one.
pub fn folded_text(text: &str) -> String {
    text.split(' ')
        .map(folded_word)
        .collect::<Vec<_>>()
        .join(" ")
}

const ID_LENGTH: usize = 6;

fn folded_word(word: &str) -> String {
    let mut folded = String::new();
    let mut part = String::new();
    for character in word.chars().chain(['\0']) {
        if character.is_ascii_alphanumeric() {
            part.push(character);
            continue;
        }
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let is_number = !part.is_empty() && digits == part.len();
        let is_id = part.len() >= ID_LENGTH
            && digits >= 2
            && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        folded.push_str(if is_number || is_id { "*" } else { &part });
        part.clear();
        if character != '\0' {
            folded.push(character);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_two_builds_are_one() {
        assert_eq!(
            folded_url("https://a.example:8080/js/12/main.2915077b.js?v=3&t=1"),
            "https://a.example:8080/js/*/main.*.js?v&t"
        );
        assert_eq!(folded_url("https://a.example"), "https://a.example");
        assert_eq!(
            folded_url("https://a.example/products/shoes"),
            "https://a.example/products/shoes"
        );
        assert_eq!(
            folded_text("A preload for '45b359' took 12 ms"),
            "A preload for '*' took * ms"
        );
    }
}
