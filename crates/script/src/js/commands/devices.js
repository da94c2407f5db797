// Devices for `emulate('device', …)`: width, height in CSS pixels, pixels per CSS pixel, and what it calls itself.
(own) => {
  const android = (version, model) =>
    `Mozilla/5.0 (Linux; Android ${version}; ${model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${own.browser.capabilities.browserVersion ?? '130.0.0.0'} Mobile Safari/537.36`;
  const apple = (device, version) =>
    `Mozilla/5.0 (${device}; CPU ${device === 'iPad' ? '' : 'iPhone '}OS ${version.replace('.', '_')} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/${version} Mobile/15E148 Safari/604.1`;
  const TABLE = {
    'Galaxy S5': [360, 640, 3, () => android('5.0', 'SM-G900P')],
    'Galaxy S8': [360, 740, 3, () => android('7.0', 'SM-G950U')],
    'Galaxy S9 +': [320, 658, 4.5, () => android('8.0.0', 'SM-G965U')],
    'Galaxy Tab S4': [712, 1138, 2.25, () => android('8.1.0', 'SM-T837A')],
    'Moto G4': [360, 640, 3, () => android('7.0', 'Moto G (4)')],
    'Nexus 5': [360, 640, 3, () => android('6.0', 'Nexus 5')],
    'Nexus 5X': [412, 732, 2.625, () => android('8.0.0', 'Nexus 5X')],
    'Nexus 7': [600, 960, 2, () => android('6.0.1', 'Nexus 7')],
    'Nexus 10': [800, 1280, 2, () => android('6.0.1', 'Nexus 10')],
    'Pixel 2': [411, 731, 2.625, () => android('8.0', 'Pixel 2')],
    'Pixel 2 XL': [411, 823, 3.5, () => android('8.0.0', 'Pixel 2 XL')],
    'Pixel 3': [393, 786, 2.75, () => android('9', 'Pixel 3')],
    'Pixel 4': [353, 745, 3, () => android('10', 'Pixel 4')],
    'Pixel 5': [393, 851, 2.75, () => android('11', 'Pixel 5')],
    'Pixel 7': [412, 839, 2.625, () => android('14', 'Pixel 7')],
    'iPhone SE': [320, 568, 2, () => apple('iPhone', '10.3')],
    'iPhone 8': [375, 667, 2, () => apple('iPhone', '11.0')],
    'iPhone X': [375, 812, 3, () => apple('iPhone', '11.0')],
    'iPhone 11': [414, 715, 2, () => apple('iPhone', '13.0')],
    'iPhone 12': [390, 664, 3, () => apple('iPhone', '14.4')],
    'iPhone 13': [390, 664, 3, () => apple('iPhone', '15.0')],
    'iPhone 14': [390, 664, 3, () => apple('iPhone', '16.0')],
    'iPhone 15': [393, 659, 3, () => apple('iPhone', '17.5')],
    'iPhone 15 Pro Max': [430, 739, 3, () => apple('iPhone', '17.5')],
    'iPad Mini': [768, 1024, 2, () => apple('iPad', '12.2')],
    'iPad Pro 11': [834, 1194, 2, () => apple('iPad', '12.2')],
  };
  own.devices = () => {
    const devices = {};
    for (const [name, [width, height, scale, agent]] of Object.entries(TABLE)) {
      const make = (across, down) => ({
        viewport: {
          width: across,
          height: down,
          deviceScaleFactor: scale,
          isMobile: true,
          hasTouch: true,
          isLandscape: across > down,
        },
        get userAgent() {
          return agent();
        },
      });
      devices[name] = make(width, height);
      devices[`${name} landscape`] = make(height, width);
    }
    return devices;
  };
};
