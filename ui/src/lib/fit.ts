// How well typed words fit a name: for the palette and for filters.

/** 0: not at all; more is better. Every word must occur; beginnings of words count more, and letters in order count a little. */
export function fit(words: string, name: string): number {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return 1;
  const given = name.toLowerCase();
  let total = 0;
  for (const word of wanted) {
    const score = one(word, given);
    if (score === 0) return 0;
    total += score;
  }
  return total / wanted.length + 1 / (given.length + 1);
}

function one(word: string, given: string): number {
  if (given === word) return 100;
  const at = given.indexOf(word);
  if (at === 0) return 80;
  if (at > 0) return /[^a-z0-9]/.test(given[at - 1] ?? '') ? 60 : 40;
  let from = 0;
  for (const letter of word) {
    from = given.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return word.length > 2 ? 10 : 0;
}
