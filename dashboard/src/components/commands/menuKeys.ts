// The keys that open the command menu, as this system's keyboard has them.

export function menuKeys(ctrl: string): readonly string[] {
  return /mac|iphone|ipad/i.test(navigator.platform) ? ["⌘", "K"] : [ctrl, "K"];
}
