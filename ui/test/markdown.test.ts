import { expect, it } from 'vitest';
import { inline, parse, safe } from '../src/lib/markdown';

it('reads what people write', () => {
  const text = '# Why\n\nBecause **it** is *so*, see `x < y` and #123.\n\n- one\n- two\n  more\n\n1. first\n2. second\n\n> said\n\n```\n<b>code</b>\n```';
  expect(parse(text).map((block) => block.kind)).toEqual(['heading', 'p', 'list', 'list', 'quote', 'code']);
  expect(inline('a **b** `c` #12 ##3 @ann').map((one) => one.kind)).toEqual(['text', 'strong', 'text', 'code', 'text', 'story', 'text', 'epic', 'text', 'person']);
});

it('leaves signs inside words alone', () => {
  expect(inline('snake_case_name and a@b.example#1')).toEqual([{ kind: 'text', text: 'snake_case_name and a@b.example#1' }]);
});

it('makes links of nothing that a browser would run', () => {
  expect([safe('javascript:alert(1)'), safe('data:text/html,x'), safe('//evil.example'), safe('https://a.example/'), safe('/apps')]).toEqual([
    undefined,
    undefined,
    undefined,
    'https://a.example/',
    '/apps',
  ]);
  expect(inline('[x](javascript:alert(1))').every((one) => one.kind === 'text')).toBe(true);
  const markup = '<script>alert(1)</script><img src=x onerror=alert(1)>';
  expect(inline(markup)).toEqual([{ kind: 'text', text: markup }]);
});

it('loses no text and ends, whatever it is given', () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const signs = ['*', '_', '`', '~', '[', ']', '(', ')', '#', '@', '>', '-', '1. ', '\n', '\n\n', ' ', 'a', 'b1', 'http://x.y', '\\', '  '];
  for (let round = 0; round < 2000; round += 1) {
    const text = Array.from({ length: random(30) }, () => signs[random(signs.length)]).join('');
    const all = JSON.stringify(parse(text));
    for (const letter of ['a', 'b1']) if (text.includes(letter)) expect(all).toContain(letter[0]);
  }
  expect(parse('>'.repeat(5000))).toBeTruthy();
  expect(parse('*'.repeat(20000))).toBeTruthy();
});
