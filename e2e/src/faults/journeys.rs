//! Faults that a script meets, and faults of scripts.

use super::Fault;

const BUY: &str = "await $('#buy').waitForDisplayed();";

macro_rules! opens {
    ($($name:literal, $wanted:literal, $path:literal;)*) => {
        vec![$(Fault {
            name: $name,
            wanted: $wanted,
            cause: |world| world.journey(&format!("await browser.url('{}'); {BUY}", $path)),
        }),*]
    };
}

macro_rules! plays {
    ($($name:literal, $wanted:literal, $script:literal;)*) => {
        vec![$(Fault { name: $name, wanted: $wanted, cause: |world| world.journey($script) }),*]
    };
}

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = opens! {
        "an exception hides an element", "site", "/throws";
        "an own API fails behind the page", "site", "/needs-api";
        "an own API never answers", "site", "/slow-api";
        "the page's policy forbids its own script", "site", "/csp";
        "a captcha instead of the page", "site", "/captcha";
        "a third-party script fails and the page needs it", "third-party", "/widget";
        "a third-party API fails behind the page", "third-party", "/third-api";
        "a third-party script throws", "third-party", "/third-throws";
        "session expired: a login instead of the page", "login", "/account";
        "a page that is not there", "site", "/missing";
    };
    faults.extend(plays! {
        "element renamed", "site", "await browser.url('/'); await $('#purchase').click();";
        "an expectation that does not hold", "site", "await browser.url('/'); await expect($('h1')).toHaveText('Cart', { wait: 300 });";
        "wrong password", "login", "await browser.url('/login'); await $('#password').setValue('wrong'); await $('#enter').click(); await $('#hello').waitForDisplayed();";
        "the login's server fails", "site", "await browser.url('/login'); await $('#password').setValue('broken'); await $('#enter').click(); await $('#hello').waitForDisplayed();";
        "a dialog in the way", "site", "await browser.url('/'); await browser.execute(() => { setTimeout(() => alert('Sale!')); }); await browser.pause(200); await $('#buy').click();";
        "a page that freezes when it is clicked", "site", "await browser.url('/freezes'); await $('#buy').click(); await browser.execute(() => 1);";
        "the right password", "passed", "await browser.url('/login'); await $('#password').setValue('right'); await $('#enter').click(); await $('#hello').waitForDisplayed();";
        "a port the browser refuses, in a script", "configuration", "await browser.url('http://127.0.0.1:6000/');";
        "a typing mistake", "script", "await browser.url('/'); await brwoser.getTitle();";
        "a command that does not exist", "script", "await browser.url('/'); await browser.fly();";
        "a selector that is none", "script", "await browser.url('/'); await $('##').click();";
        "an endless loop", "script", "await browser.url('/'); for (;;) {}";
        "a recursion through the engine that nothing interrupts", "script", "await browser.url('/'); Promise.prototype.then = () => { Promise.all([1, 2]); }; Promise.all([1, 2]);";
        "a promise that never settles", "script", "await browser.url('/'); await new Promise(() => {});";
        "a pause longer than the step", "script", "await browser.url('/'); await browser.pause(60000);";
        "a crash by address", "browser", "await browser.url('/'); await browser.url('chrome://crash');";
    });
    faults.push(Fault {
        name: "nothing listens behind a script",
        wanted: "site",
        cause: |world| world.journey(&format!("await browser.url('{}');", world.nobody())),
    });
    faults
}
