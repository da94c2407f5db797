// What a person would see of a page on which a step has failed.
(() => {
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 0 && box.height > 0 && style.visibility !== 'hidden' && style.display !== 'none';
  };
  const asksForPerson = 'iframe[src*="recaptcha"], iframe[src*="hcaptcha"], iframe[src*="turnstile"], iframe[src*="captcha"], '
    + '.g-recaptcha, .h-captcha, .cf-turnstile, [id*="captcha" i], [class*="captcha" i], #challenge-form';
  const words = /captcha|are you (a )?(human|robot)|attention required|just a moment|verify you are/i;
  return {
    href: location.href,
    title: document.title,
    readyState: document.readyState,
    passwordField: [...document.querySelectorAll('input[type=password]')].some(shown),
    captcha: [...document.querySelectorAll(asksForPerson)].some(shown) || words.test(document.title),
  };
})()
