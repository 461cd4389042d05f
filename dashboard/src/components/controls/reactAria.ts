// Keeps React Aria within the Content-Security-Policy. Import this before any of its hooks.
//
// React Aria writes one rule into the page as a style element, which the policy forbids, unless an element with this id
// is there. `styles.css` has the rule.

const STYLE_ID = "react-aria-pressable-style";

if (document.getElementById(STYLE_ID) === null) {
  const instead = document.createElement("meta");
  instead.id = STYLE_ID;
  document.head.append(instead);
}
