// Catches an error while a panel is drawn, so that the rest of the page stays.

import { TriangleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { useTexts } from "../../texts/TextsContext";
import { Blank } from "../parts/Blank";

export class PanelBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Broken() {
  const { page } = useTexts();
  return (
    <Blank icon={TriangleAlert} title={page.trouble.broken}>
      {page.trouble.brokenWhy}
    </Blank>
  );
}
